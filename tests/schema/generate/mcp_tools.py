"""The tool lists of MCP servers on this machine: one line {"case", "tools"} for a server, one {"case", "schema"} for a tool.

    mcp_tools.py NAME COMMAND [ARGUMENT]...
"""

import json
import subprocess
import sys


def main():
    name, command = sys.argv[1], sys.argv[2:]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def tell(**message):
        server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        server.stdin.flush()

    def answer(number):
        for line in server.stdout:
            message = json.loads(line) if line.startswith("{") else {}
            if message.get("id") == number and "method" not in message:
                return message["result"]
        raise SystemExit(f"{name}: the server ended")

    tell(id=1, method="initialize", params={"protocolVersion": "2025-03-26", "capabilities": {},
                                            "clientInfo": {"name": "test", "version": "1"}})
    answer(1)
    tell(method="notifications/initialized")
    tell(id=2, method="tools/list", params={})
    tools = answer(2)["tools"]
    server.terminate()
    functions = [{"name": t["name"], "description": t.get("description", ""), "parameters": t["inputSchema"]} for t in tools]
    print(json.dumps({"case": f"{name} ({len(tools)} tools)", "tools": functions}))
    for t in tools:
        print(json.dumps({"case": f"{name} {t['name']}", "schema": t["inputSchema"]}))


main()
