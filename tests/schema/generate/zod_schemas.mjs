// Random schemas of zod 4 (its own toJSONSchema) and zod 3 (zod-to-json-schema), as JSON lines {"case", "schema"}.
//
//     zod_schemas.mjs zod4|zod3 COUNT SEED       (modules are looked for in $NODE_MODULES)
import { createRequire } from "node:module";

const require = createRequire(process.env.NODE_MODULES + "/x.js");
const [kind, count, seed] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const four = kind === "zod4";
const z = four ? require("zod") : require("zod3");
const { zodToJsonSchema } = require("zod-to-json-schema");

let state = 0n; // SplitMix64
function draw(n) {
    state = (state + 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn;
    let x = state;
    x = ((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n) & 0xffffffffffffffffn;
    x = ((x ^ (x >> 27n)) * 0x94d049bb133111ebn) & 0xffffffffffffffffn;
    return Number((x ^ (x >> 31n)) % BigInt(n));
}
const chance = (p) => draw(1000) < p * 1000;
const pick = (list) => list[draw(list.length)];
const between = (a, b) => a + draw(b - a + 1);
const some = (list, n) => [...list].sort(() => draw(3) - 1).slice(0, n);

const names = ["id", "name", "title", "age", "email", "price", "tags", "items", "createdAt", "status", "kind", "address",
    "city", "zipCode", "lat", "url", "notes", "score", "isActive", "parentId", "metadata", "color", "start", "limit",
    "query", "language", "total", "owner", "config", "x-y"];
const words = ["red", "green", "blue", "open", "closed", "EUR", "USD", "en", "de-DE", "a b", "é", "1", ""];
const patterns = [/^[a-z]+$/, /^[A-Z]{2,3}$/, /^\d{5}$/, /^[\w-]{1,16}$/, /^#[0-9a-fA-F]{6}$/, /^v\d+\.\d+$/, /^(foo|bar)-\d+$/,
    /[aeiou]/, /^(?=.*\d)[a-z\d]{4,8}$/, /^\p{Lu}\p{Ll}*$/u, /^[^\s@]+@[^\s@]+$/];

function string() {
    if (four && chance(0.45)) {
        return pick([() => z.email(), () => z.uuid(), () => z.url(), () => z.iso.datetime(), () => z.iso.date(), () => z.iso.time(),
            () => z.ipv4(), () => z.ipv6(), () => z.cuid2(), () => z.ulid(), () => z.nanoid(), () => z.base64(), () => z.base64url(),
            () => z.iso.duration(), () => z.cidrv4(), () => z.e164(), () => z.emoji(), () => z.jwt(), () => z.cuid(), () => z.guid(),
            () => z.hostname(), () => z.iso.datetime({ offset: true }), () => z.hex(), () => z.xid(), () => z.ksuid(),
            () => z.email().min(5).max(64), () => z.url().max(200)])();
    }
    let s = z.string();
    if (!four && chance(0.4)) {
        return pick([() => s.email(), () => s.uuid(), () => s.url(), () => s.datetime(), () => s.date(), () => s.time(), () => s.ip(),
            () => s.cuid2(), () => s.ulid(), () => s.nanoid(), () => s.base64(), () => s.duration(), () => s.cuid(), () => s.emoji(),
            () => s.email().min(3), () => s.ip({ version: "v4" }), () => s.datetime({ offset: true })])();
    }
    if (chance(0.4)) s = s.min(between(0, 4));
    if (chance(0.4)) s = s.max(between(5, 60));
    if (chance(0.1)) s = s.length(between(1, 8));
    if (chance(0.2)) s = s.regex(pick(patterns));
    if (chance(0.1)) s = pick([() => s.startsWith("ab"), () => s.endsWith(".x"), () => s.includes("-"), () => s.trim(), () => s.nonempty()])();
    return s;
}

function number() {
    let n = z.number();
    if (chance(0.4)) n = n.int();
    if (chance(0.4)) n = pick([() => n.min(between(-10, 10)), () => n.gt(between(-10, 10)), () => n.positive(), () => n.nonnegative()])();
    if (chance(0.3)) n = pick([() => n.max(between(11, 1000)), () => n.lt(between(11, 1000))])();
    if (chance(0.12)) n = n.multipleOf(pick([2, 5, 0.5, 0.01]));
    if (four && chance(0.15)) return pick([z.int(), z.int32(), z.uint32(), z.float32(), z.float64()]);
    return n;
}

function leaf() {
    const which = draw(20);
    if (which < 7) return string();
    if (which < 11) return number();
    if (which < 13) return z.boolean();
    if (which < 15) return z.enum(some(words, between(1, 4)));
    if (which < 16) return z.literal(pick(["a", 1, true, null, "x y", -2.5]));
    if (which < 17) return z.null();
    if (which < 18) return z.any();
    if (which < 19) return z.nativeEnum ? z.nativeEnum({ a: "x", b: "y", c: 3 }) : z.enum({ a: "x", b: "y" });
    return z.unknown();
}

function object(depth, fixed = {}) {
    const shape = { ...fixed };
    for (const n of some(names, between(1, 5))) {
        let t = type(depth);
        if (chance(0.25)) t = t.optional();
        if (chance(0.15)) t = t.nullable();
        if (chance(0.1)) t = t.describe("The " + n);
        if (!(n in shape)) shape[n] = t;
    }
    let o = z.object(shape);
    if (chance(0.2)) o = pick([() => o.strict(), () => o.passthrough(), () => o.catchall(z.number()), () => o.partial()])();
    return o;
}

function type(depth) {
    const which = draw(16);
    if (depth <= 0 || which < 7) return leaf();
    if (which < 9) return object(depth - 1);
    if (which === 9) {
        let a = z.array(type(depth - 1));
        if (chance(0.4)) a = a.min(between(0, 2));
        if (chance(0.4)) a = a.max(between(2, 5));
        return a;
    }
    if (which === 10) {
        const t = z.tuple(some([1, 2, 3], between(1, 3)).map(() => type(depth - 1)));
        return chance(0.3) ? t.rest(type(depth - 1)) : t;
    }
    if (which === 11) {
        const key = pick([z.string(), z.string(), z.string().regex(/^[a-z]{1,3}$/), z.enum(["a", "b"]), z.string().min(2)]);
        return z.record(key, type(depth - 1));
    }
    if (which === 12) return z.union([type(depth - 1), type(depth - 1)]);
    if (which === 13) {
        return z.discriminatedUnion("kind", some(["cat", "dog", "fish"], between(2, 3)).map((k) =>
            z.object({ kind: z.literal(k), ...object(depth - 1).shape, kind: z.literal(k) })));
    }
    if (which === 14) return z.intersection(object(depth - 1), object(depth - 1));
    if (!four && chance(0.3)) return z.set(leaf());
    if (chance(0.3)) {
        const tree = z.object({ value: leaf(), next: z.lazy(() => tree).optional() });
        return tree;
    }
    return type(depth - 1).nullable();
}

let made = 0;
for (let tried = 1; made < count; tried++) {
    state = BigInt(seed) * 1000003n + BigInt(tried);
    let schema;
    try {
        const t = chance(0.85) ? object(between(1, 3)) : type(3);
        if (four) {
            schema = z.toJSONSchema(t, { target: pick(["draft-2020-12", "draft-2020-12", "draft-7", "draft-2020-12"]),
                io: pick(["output", "input"]), reused: pick(["inline", "ref"]) });
        } else {
            schema = zodToJsonSchema(t, { target: pick(["jsonSchema7", "jsonSchema7", "openAi", "jsonSchema2019-09"]),
                $refStrategy: pick(["root", "none"]) });
            if (chance(0.2)) schema = zodToJsonSchema(t, "thing");
        }
    } catch (e) {
        console.error(`${kind} ${tried}: ${String(e.message).slice(0, 150)}`);
        continue;
    }
    made++;
    console.log(JSON.stringify({ case: `${kind} ${seed}/${tried}`, schema }));
}
