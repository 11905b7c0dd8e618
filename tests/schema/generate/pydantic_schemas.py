"""Random models of pydantic v2, and bodies of FastAPI, as JSON lines {"case", "schema"}.

    pydantic_schemas.py pydantic|fastapi COUNT SEED
"""

import datetime
import decimal
import enum
import ipaddress
import json
import pathlib
import random
import sys
import typing
import uuid
import warnings

import pydantic
from pydantic import BaseModel, ConfigDict, Field, create_model

warnings.simplefilter("ignore")

NAMES = [
    "id", "name", "title", "age", "email", "price", "quantity", "tags", "items", "created_at", "status", "kind",
    "address", "city", "zip_code", "lat", "lon", "url", "notes", "score", "is_active", "parent_id", "metadata", "color",
    "start", "end", "limit", "offset", "query", "language", "currency", "total", "owner", "children", "config",
]
WORDS = ["red", "green", "blue", "open", "closed", "pending", "EUR", "USD", "en", "de-DE", "a b", "x/y", "é", "1", ""]
PATTERNS = [
    r"^[a-z]+$", r"^[A-Z]{2,3}$", r"^\d{5}$", r"^[a-zA-Z0-9_-]{1,16}$", r"^#[0-9a-fA-F]{6}$", r"^\+?[0-9 ]{7,15}$",
    r"^v\d+\.\d+\.\d+$", r"^(foo|bar)-[0-9]+$", r"^\S+$", r"^[^@\s]+@[^@\s]+$", r"[aeiou]", r"^(?:[A-Z]\d){3}$",
]


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.n_models = 0
        self.models = []

    def chance(self, p):
        return self.r.random() < p

    def string(self):
        limits = {}
        if self.chance(0.4):
            limits["min_length"] = self.r.randint(0, 4)
        if self.chance(0.4):
            limits["max_length"] = limits.get("min_length", 0) + self.r.randint(1, 60)
        if self.chance(0.3):
            limits["pattern"] = self.r.choice(PATTERNS)
        return typing.Annotated[str, Field(**limits)] if limits else str

    def number(self, kind):
        limits = {}
        low = self.r.choice([0, 1, -90, -180, 0.5, 10, 1000])
        if kind is int:
            low = int(low)
        if self.chance(0.5):
            limits[self.r.choice(["ge", "gt"])] = kind(low)
        if self.chance(0.4):
            limits[self.r.choice(["le", "lt"])] = kind(low + self.r.choice([5, 10, 100, 360, 65535]))
        if self.chance(0.15):
            limits["multiple_of"] = self.r.choice([2, 5, 10]) if kind is int else self.r.choice([0.5, 0.01, 0.25, 0.1])
        return typing.Annotated[kind, Field(**limits)] if limits else kind

    def leaf(self):
        r = self.r
        which = r.randrange(30)
        if which < 7:
            return self.string()
        if which < 11:
            return self.number(int)
        if which < 13:
            return self.number(float)
        if which < 15:
            return bool
        if which < 18:
            return typing.Literal[tuple(r.sample(WORDS, r.randint(1, 4)))]
        if which == 18:
            return typing.Literal[tuple(r.sample([1, 2, 3, "a", True, None], r.randint(1, 4)))]
        if which == 19:
            self.n_models += 1
            words = r.sample(WORDS[:8], r.randint(1, 4))
            return enum.Enum(f"Choice{self.n_models}", {f"v{i}": w for i, w in enumerate(words)}, type=str)
        if which == 20:
            self.n_models += 1
            return enum.IntEnum(f"Level{self.n_models}", {f"l{i}": i for i in range(r.randint(1, 5))})
        return r.choice([
            datetime.datetime, datetime.date, datetime.time, datetime.timedelta, uuid.UUID, pydantic.UUID4,
            decimal.Decimal, pydantic.EmailStr, pydantic.HttpUrl, pydantic.AnyUrl, ipaddress.IPv4Address,
            ipaddress.IPv6Address, pydantic.IPvAnyAddress, pathlib.Path, bytes, pydantic.Base64Bytes,
            pydantic.SecretStr, pydantic.PositiveInt, pydantic.NonNegativeFloat, pydantic.AwareDatetime,
            pydantic.PastDate, typing.Any, dict, list, pydantic.StrictStr, pydantic.conint(ge=1, le=100),
            pydantic.constr(strip_whitespace=True, min_length=1), pydantic.JsonValue, pydantic.ByteSize,
            pydantic.FiniteFloat, pydantic.IPvAnyNetwork, pydantic.NaiveDatetime,
            typing.Annotated[decimal.Decimal, Field(max_digits=6, decimal_places=2)],
        ])

    def counts(self):
        counts = {}
        if self.chance(0.3):
            counts["min_length"] = self.r.randint(0, 2)
        if self.chance(0.3):
            counts["max_length"] = counts.get("min_length", 0) + self.r.randint(1, 5)
        return counts

    def hashable(self):
        return self.r.choice([int, str, bool, uuid.UUID, typing.Literal["a", "b", "c"], self.string()])

    def type(self, depth):
        r = self.r
        which = r.randrange(16)
        if depth <= 0 or which < 8:
            return self.leaf()
        if which == 8:
            return typing.Optional[self.type(depth - 1)]
        if which == 9:
            return typing.Union[tuple(self.type(depth - 1) for _ in range(r.randint(2, 3)))]
        if which == 10:
            counts = self.counts()
            item = self.type(depth - 1)
            return typing.Annotated[list[item], Field(**counts)] if counts else list[item]
        if which == 11:
            kind = r.choice([set, frozenset])
            counts = self.counts()
            item = self.hashable()
            return typing.Annotated[kind[item], Field(**counts)] if counts else kind[item]
        if which == 12:
            if self.chance(0.3):
                return tuple[self.type(depth - 1), ...]
            return tuple[tuple(self.type(depth - 1) for _ in range(r.randint(1, 3)))]
        if which == 13:
            key = r.choice([str, str, self.string(), int, typing.Literal["a", "b"], uuid.UUID])
            counts = self.counts()
            made = dict[key, self.type(depth - 1)]
            return typing.Annotated[made, Field(**counts)] if counts else made
        if which == 14 and self.chance(0.4):
            return self.discriminated(depth - 1)
        if self.models and self.chance(0.3):
            return r.choice(self.models)
        return self.model(depth - 1)

    def field(self, depth):
        r = self.r
        kind = self.type(depth)
        about = {}
        if self.chance(0.3):
            about["description"] = "The " + r.choice(NAMES)
        if self.chance(0.1):
            about["examples"] = ["x"]
        if self.chance(0.05):
            about["deprecated"] = True
        if self.chance(0.08):
            about["alias"] = r.choice(["camelCase", "from", "x-y", "@id", "$ref_"]) + str(r.randrange(9))
        if self.chance(0.05):
            about["json_schema_extra"] = {"x-order": 1, "example": "y"}
        if self.chance(0.25):
            return (typing.Optional[kind], Field(default=None, **about))
        return (kind, Field(**about) if about else ...)

    def model(self, depth, **fixed):
        r = self.r
        self.n_models += 1
        name = f"{r.choice(['User', 'Order', 'Item', 'Event', 'Query', 'Config'])}{self.n_models}"
        fields = dict(fixed)
        for n in r.sample(NAMES, r.randint(1, 5)):
            fields.setdefault(n, self.field(depth))
        if self.chance(0.06):
            fields["next"] = (typing.Optional[name], None)
        if self.chance(0.06):
            fields["below"] = (list[name], Field(default_factory=list))
        config = {}
        if self.chance(0.35):
            config["extra"] = r.choice(["forbid", "forbid", "allow"])
        made = create_model(name, __config__=ConfigDict(**config), **fields)
        made.model_rebuild(_types_namespace={name: made})
        self.models.append(made)
        return made

    def discriminated(self, depth):
        kinds = self.r.sample(["cat", "dog", "fish", "bird"], self.r.randint(2, 3))
        models = [self.model(depth, kind=(typing.Literal[k], ...)) for k in kinds]
        return typing.Annotated[typing.Union[tuple(models)], Field(discriminator="kind")]


def pydantic_schema(seed):
    m = Maker(seed)
    if m.chance(0.15):
        return pydantic.TypeAdapter(m.type(3)).json_schema(mode=m.r.choice(["validation", "serialization"]))
    return m.model(m.r.randint(1, 3)).model_json_schema(mode=m.r.choice(["validation", "validation", "serialization"]))


def fastapi_schema(seed):
    import fastapi

    m = Maker(seed)
    app = fastapi.FastAPI()
    body = m.model(m.r.randint(1, 3))

    def handler(body):
        return body

    handler.__annotations__ = {"body": body, "return": body}
    app.post("/x")(handler)
    doc = app.openapi()
    schema = doc["paths"]["/x"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    if m.chance(0.2):  # the document's own places
        return {**schema, "components": {"schemas": doc["components"]["schemas"]}}
    text = json.dumps({**schema, "$defs": doc["components"]["schemas"]})
    return json.loads(text.replace("#/components/schemas/", "#/$defs/"))


def main():
    kind, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    make = {"pydantic": pydantic_schema, "fastapi": fastapi_schema}[kind]
    n = 0
    tried = 0
    while n < count:
        tried += 1
        try:
            schema = make(f"{seed}/{tried}")
        except Exception as e:  # combinations that the library itself refuses
            print(f"{kind} {tried}: {type(e).__name__}: {str(e)[:150]}", file=sys.stderr)
            continue
        n += 1
        print(json.dumps({"case": f"{kind} {seed}/{tried}", "schema": schema}, ensure_ascii=False))


main()
