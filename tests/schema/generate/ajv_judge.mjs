// ajv 8 with ajv-formats as a judge: lines {"schema", "answers": [text, ..]} on standard input; for each a line
// {"verdicts": [null | "keyword ..", ..]}, or {"cannot": why} when ajv does not take the schema.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(process.env.NODE_MODULES + "/x.js");
const Ajv7 = require("ajv").default;
const Ajv2019 = require("ajv/dist/2019").default;
const Ajv2020 = require("ajv/dist/2020").default;
const addFormats = require("ajv-formats").default;

function compile(schema, unicodeRegExp) {
    const text = String((schema && schema.$schema) || "");
    const Ajv = /draft-0[67]/.test(text) ? Ajv7 : /2019-09/.test(text) ? Ajv2019 : Ajv2020;
    const ajv = new Ajv({ strict: false, unicodeRegExp, logger: false });
    addFormats(ajv);
    return ajv.compile(schema);
}

for await (const line of createInterface({ input: process.stdin })) {
    const { schema, answers } = JSON.parse(line);
    let validate;
    try {
        try {
            validate = compile(schema, true);
        } catch (e) {
            if (!/regular expression/i.test(e.message)) throw e;
            validate = compile(schema, false);
        }
    } catch (e) {
        console.log(JSON.stringify({ cannot: String(e.message).slice(0, 200) }));
        continue;
    }
    const verdicts = (answers ?? []).map((text) => {
        let value;
        try {
            value = JSON.parse(text);
        } catch (e) {
            return "JSON " + e.message.slice(0, 100);
        }
        if (validate(value)) return null;
        const inside = validate.errors.find((x) => ["format", "pattern", "multipleOf"].includes(x.keyword)); // a branch
        const e = inside ?? validate.errors[0];
        const what = e.keyword === "format" ? e.params.format : e.keyword === "pattern" ? e.params.pattern : "";
        return `${e.keyword} ${what} at ${e.instancePath}`;
    });
    console.log(JSON.stringify({ verdicts }));
}
