# Every small change to a C file that tools/mutants.sh may try: a line of
# "NUMBER <tab> FUNCTION <tab> WHAT <tab> THE NEW LINE" for each.
# Text in quotes, comments and directives stay as they are.

# The line with quotes and comments as blanks, in the same places.
function masked(line,    out, i, c, two, quote) {
    out = ""
    for (i = 1; i <= length(line); i++) {
        c = substr(line, i, 1)
        two = substr(line, i, 2)
        if (in_comment) {
            if (two == "*/") { in_comment = 0; out = out "  "; i++ } else { out = out " " }
        } else if (quote != "") {
            if (c == "\\") { out = out "  "; i++ } else { if (c == quote) quote = ""; out = out "`" }
        } else if (two == "/*") {
            in_comment = 1
            out = out "  "
            i++
        } else if (two == "//") {
            while (i++ <= length(line)) out = out " "
        } else {
            if (c == "\"" || c == "'") { quote = c; out = out "`" } else { out = out c }
        }
    }
    return substr(out, 1, length(line))
}

BEGIN { here = "-" }

function mutant(what, line) {
    print FNR "\t" here "\t" what "\t" line
}

# Replace `from` by `to`, at each place in turn.
function each_place(m, from, to,    at, skipped) {
    skipped = 0
    while ((at = index(substr(m, skipped + 1), from)) > 0) {
        at += skipped
        mutant(from " becomes " to, substr($0, 1, at - 1) to substr($0, at + length(from)))
        skipped = at + length(from) - 1
    }
}

function each_number(m,    at, n, skipped, before, after, text) {
    skipped = 0
    while (match(substr(m, skipped + 1), /[0-9]+/)) {
        at = skipped + RSTART
        n = RLENGTH
        skipped = at + n - 1
        before = at > 1 ? substr(m, at - 1, 1) : " "
        after = substr(m, at + n, 1)
        text = substr(m, at, n)
        if (before ~ /[A-Za-z0-9_.]/ || after ~ /[A-Zxa-tv-z0-9_.]/) continue
        mutant(text " becomes " (text + 1), substr($0, 1, at - 1) (text + 1) substr($0, at + n))
        if (text + 0 > 0) mutant(text " becomes " (text - 1), substr($0, 1, at - 1) (text - 1) substr($0, at + n))
    }
}

{
    m = masked($0)
    if (m ~ /^[a-z].*[a-z0-9_]\(/) {
        here = m
        sub(/\(.*/, "", here)
        sub(/.*[ *]/, "", here)
    } else if (m ~ /^[a-z#]/) {
        here = "-"
    }
    if ($0 ~ /^#/ || m ~ /^ *$/ || m ~ /assert\(/) next
    each_place(m, "==", "!=")
    each_place(m, "!=", "==")
    each_place(m, " < ", " <= ")
    each_place(m, " <= ", " < ")
    each_place(m, " > ", " >= ")
    each_place(m, " >= ", " > ")
    each_place(m, " + ", " - ")
    each_place(m, " - ", " + ")
    each_place(m, " * ", " + ")
    each_place(m, " / ", " * ")
    each_place(m, " % ", " / ")
    each_place(m, " & ", " | ")
    each_place(m, " | ", " & ")
    each_place(m, " << ", " >> ")
    each_place(m, " >> ", " << ")
    each_place(m, "&&", "||")
    each_place(m, "||", "&&")
    each_place(m, " += ", " -= ")
    each_place(m, " -= ", " += ")
    each_place(m, "true", "false")
    each_place(m, "false", "true")
    each_place(m, "break;", ";")
    each_place(m, "continue;", ";")
    each_number(m)
    for (at = 1; at < length(m); at++) {
        if (substr(m, at, 1) == "!" && substr(m, at + 1, 1) ~ /[a-z(*]/) {
            mutant("! is dropped", substr($0, 1, at - 1) substr($0, at + 1))
        }
    }
    if (m ~ /^ *(} else )?(if|while) \(.*\) \{$/) {
        line = $0
        sub(/(if|while) \(/, "&!(", line)
        sub(/\) \{$/, ")) {", line)
        mutant("the condition is negated", line)
    }
    if (m ~ /^ *(} else )?if \(.*\) (return|break|continue).*;$/) { # a guard
        line = $0
        sub(/if \(/, "&!(", line)
        sub(/\) (return|break|continue)/, ")&", line)
        mutant("the condition is negated", line)
    }
    # A statement of one line that declares nothing
    if (ended && m ~ /^ +[a-z_*(].*;$/ && m !~ /^ *(return|break|continue|goto|case|default|const|static|for) ?/ &&
        m !~ /^ +[a-z_0-9]+ \**[a-z_0-9]+( =|;|\[|,)/) {
        mutant("the statement is dropped", ";")
    }
    if (m ~ /^ +(if \(.*\) )?return .*;$/ && m !~ / return (LFM_OK|true|false|NULL|0);$/) {
        match(m, / return .*;$/)
        line = substr($0, 1, RSTART)
        mutant("nothing is returned", line (substr(m, RSTART) ~ /err|st/ ? "return LFM_OK;" : "return 0;"))
    }
    ended = m ~ /[;{}] *$/
}
