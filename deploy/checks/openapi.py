"""Checks the OpenAPI document that a server serves: usage: openapi.py SERVER-BINARY WIRE-VECTORS

It must be sound by itself, and say about every wire vector what happens there. Each check is also made to fail: a
document or a body that is wrong must be found.
"""

import copy
import json
import re
import sys
import urllib.parse

from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from server import fail, request, running

ADDRESS = "urn:document"

# What JSON Schema cannot say: such bodies are refused by the server and not by the schema, or the other way round.
ONLY_THE_SERVER_REFUSES = {
    "key twice": "a parser has dropped one of the two",
    "key twice in another case": "a key in another case is an unknown one to a schema",
    "Action 1.0": "1.0 is an integer to a schema",
    "nests 17 deep": "a schema counts no depth",
    "lone surrogate in a known field": "Python's parser lets it pass",
    "lone surrogate under an unknown key": "the same",
}
ONLY_THE_SCHEMA_REFUSES = {"keys in another case and order": "a schema has one spelling"}


class Document:
    def __init__(self, document):
        self.document = document
        self.registry = Registry().with_resource(ADDRESS, Resource(document, DRAFT202012))

    def validator(self, pointer):
        schema = {"$ref": f"{ADDRESS}#{pointer}"}
        return Draft202012Validator(schema, registry=self.registry, format_checker=FormatChecker())

    def accepts(self, pointer, value):
        return self.validator(pointer).is_valid(value)

    def operation(self, method, target):
        """The operation that a request is for, its pointer, and what its path parameters say."""
        path = target.split("?", 1)[0]
        found = []
        for server in self.document["servers"]:
            if not path.startswith(server["url"] + "/"):
                continue
            rest = path[len(server["url"]) :]
            for template, item in self.document["paths"].items():
                pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
                match = re.fullmatch(pattern, rest)
                if match and method.lower() in item:
                    # Without parameters before with parameters, as OpenAPI has it.
                    found.append((template.count("{"), template, match.groupdict()))
        if not found:
            return None
        _, template, parameters = min(found, key=lambda one: one[0])
        pointer = f"/paths/{escaped(template)}/{method.lower()}"
        return self.document["paths"][template][method.lower()], pointer, template, parameters


def escaped(part):
    return urllib.parse.quote(part.replace("~", "~0").replace("/", "~1"), safe="~")


def decoded(part):
    """A part of a path as text, or None if it is none."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", part):
        return None
    try:
        return urllib.parse.unquote(part, errors="strict")
    except UnicodeDecodeError:
        return None


def parsed(body):
    try:
        return json.loads(body, parse_constant=lambda word: fail(f"{word} is no JSON"))
    except ValueError:
        return None


def sound(document):
    try:
        return not list(OpenAPIV31SpecValidator(document).iter_errors())
    except Unresolvable:
        return False


def check_document(document):
    for error in OpenAPIV31SpecValidator(document).iter_errors():
        fail(f"the document is not sound: {error.message} at {list(error.absolute_path)}")

    def without_info(broken):
        del broken["info"]

    def dangling(broken):
        broken["paths"]["/recording/set"]["post"]["responses"]["200"]["content"]["application/json"]["schema"] = {
            "$ref": "#/components/schemas/Nothing"
        }

    def no_parameter(broken):
        broken["paths"]["/recording/{UCCName}/{CorrelationId}"]["parameters"].pop()

    def two_operations(broken):
        broken["paths"]["/recording/set"]["post"]["operationId"] = "getState"

    def wrong_type(broken):
        broken["components"]["schemas"]["StateReply"]["type"] = "thing"

    def no_description(broken):
        del broken["components"]["responses"]["NotStored"]["description"]

    faults = [without_info, dangling, no_parameter, two_operations, wrong_type, no_description]
    for fault in faults:
        broken = copy.deepcopy(document)
        fault(broken)
        if sound(broken):
            fail(f"the validator does not find a fault: {fault.__name__}")
    print(f"the document is sound; {len(faults)} planted faults are found")


def check_reply(document, case, status, reply):
    """That a body is what the document says of this request and status."""
    operation = document.operation(case["method"], case["target"])
    if operation is None:
        names = [
            name
            for name, response in document.document["components"]["responses"].items()
            if response["x-status"] == status
        ]
        if status not in (404, 405) or len(names) != 1:
            fail(f"{case['name']}: the document knows no such request, the answer is {status}")
        pointer = f"/components/responses/{names[0]}"
    else:
        found, pointer, *_ = operation
        response = found["responses"].get(str(status))
        if response is None:
            fail(f"{case['name']}: the document has no answer {status}")
        pointer = response["$ref"][1:] if "$ref" in response else f"{pointer}/responses/{status}"
    pointer += f"/content/{escaped('application/json')}/schema"
    for error in document.validator(pointer).iter_errors(reply):
        fail(f"{case['name']}: {error.message}")
    return pointer


def wrong_ones(body):
    """Bodies that differ from a good one in one place, each of them wrong."""
    for key, value in body.items():
        yield {other: body[other] for other in body if other != key}
        yield {**body, key: [value]}
        yield {key.swapcase() if other == key else other: body[other] for other in body}
        if isinstance(value, dict):
            yield from ({**body, key: inner} for inner in wrong_ones(value))
        elif isinstance(value, bool):
            yield {**body, key: int(value)}
        elif isinstance(value, int):
            for code in (-1, 8, 99, 0.5, str(value)):
                yield {**body, key: code}
        elif isinstance(value, str):
            yield from ({**body, key: other} for other in ("", 7))
        if value is not None and key != "ErrorMessage":
            yield {**body, key: None}
    yield {**body, "Another": 1}


def check_vectors(document, vectors, api):
    counts = dict.fromkeys(["replies", "requests", "refused requests", "events", "wrong bodies"], 0)
    used = set()
    tried = set()
    for case in vectors["cases"]:
        name, status = case["name"], case["status"]
        understood = status == 200
        if "reply" in case:
            reply = json.loads(case["reply"])
        else:
            # The vectors leave the text of these to the server, so it is asked; they change nothing.
            body = case["body"].encode() if case.get("body") is not None else None
            headers = [("Content-Type", case["content_type"])] if case.get("content_type") else []
            got, _, answer = request(api, case["method"], case["target"], body, headers)
            if got != status:
                fail(f"{name}: {got} instead of {status}")
            reply = json.loads(answer)
        pointer = check_reply(document, case, status, reply)
        counts["replies"] += 1
        if (pointer, json.dumps(reply)) not in tried:
            tried.add((pointer, json.dumps(reply)))
            for wrong in wrong_ones(reply):
                counts["wrong bodies"] += 1
                if document.accepts(pointer, wrong):
                    fail(f"{name}: the document takes {json.dumps(wrong)}")

        operation = document.operation(case["method"], case["target"])
        if operation and status in (200, 400):
            _, operation_pointer, template, parameters = operation
            texts = {key: decoded(part) for key, part in parameters.items()}
            item = document.document["paths"][template]
            good = None not in texts.values() and all(
                document.accepts(f"/paths/{escaped(template)}/parameters/{at}/schema", texts[parameter["name"]])
                for at, parameter in enumerate(item.get("parameters", []))
            )
            if "requestBody" in operation[0]:
                schema = f"{operation_pointer}/requestBody/content/{escaped('application/json')}/schema"
                body = parsed(case["body"])
                good = body is not None and document.accepts(schema, body)
            if good != understood:
                exceptions = ONLY_THE_SERVER_REFUSES if good else ONLY_THE_SCHEMA_REFUSES
                if name not in exceptions:
                    fail(f"{name}: the document {'takes' if good else 'refuses'} the request, the server answers {status}")
                used.add(name)
            counts["requests" if understood else "refused requests"] += 1
        if case["event"]:
            schema = "/components/schemas/RecordingStateChangedEvent"
            event = json.loads(case["event"])
            if not document.accepts(schema, event):
                fail(f"{name}: the event is not as described")
            for wrong in wrong_ones(event):
                counts["wrong bodies"] += 1
                if document.accepts(schema, wrong):
                    fail(f"{name}: the document takes the event {json.dumps(wrong)}")
            counts["events"] += 1
    unused = set(ONLY_THE_SERVER_REFUSES) | set(ONLY_THE_SCHEMA_REFUSES)
    if unused != used:
        fail(f"named as exceptions and none: {sorted(unused - used)}")
    if not all(counts.values()):
        fail(f"something was not checked: {counts}")
    print("wire vectors as described: " + ", ".join(f"{name} {count}" for name, count in counts.items()))


def check_admin(admin):
    """The document of the admin's own requests: sound, and true of one of each."""
    status, _, body = request(admin, "GET", "/openapi-admin.json")
    if status != 200:
        fail(f"the admin's document is not served: {status}")
    contents = json.loads(body)
    for error in OpenAPIV31SpecValidator(contents).iter_errors():
        fail(f"the admin's document is not sound: {error.message} at {list(error.absolute_path)}")
    document, tried = Document(contents), 0
    session = "/sessions/ucc-demo-name/6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
    unknown = session.replace("ucc-demo-name", "none")
    template = "/sessions/{UCCName}/{CorrelationId}"
    for method, target, path, expected in [
        ("GET", "/sessions?limit=1", "/sessions", 200),
        ("GET", "/sessions?limit=0", "/sessions", 400),
        ("GET", "/uccs", "/uccs", 200),
        ("GET", "/uccs/ucc-demo-name", "/uccs/{UCCName}", 200),
        ("GET", "/uccs/none", "/uccs/{UCCName}", 404),
        ("PUT", session, template, 201),
        ("PUT", session, template, 200),
        ("PUT", session[:-1], template, 400),
        ("PUT", unknown, template, 404),
        ("GET", session, template, 200),
        ("DELETE", session + "/holds", template + "/holds", 200),
        ("DELETE", session + "/recorder", template + "/recorder", 409),
        ("DELETE", session, template, 200),
        ("DELETE", unknown, template, 404),
        ("GET", unknown, template, 404),
        ("GET", "/recorders", "/recorders", 200),
        ("GET", "/healthz", "/healthz", 200),
        ("GET", "/readyz", "/readyz", 200),
    ]:
        status, _, body = request(admin, method, target, b"" if method == "PUT" else None)
        if status != expected:
            fail(f"{method} {target}: {status} instead of {expected}")
        pointer = f"/paths/{escaped(path)}/{method.lower()}/responses/{status}"
        response = contents["paths"][path][method.lower()]["responses"].get(str(status))
        if response is None:
            fail(f"{method} {target}: the document has no answer {status}")
        pointer = response["$ref"][1:] if "$ref" in response else pointer
        pointer += f"/content/{escaped('application/json')}/schema"
        for error in document.validator(pointer).iter_errors(json.loads(body)):
            fail(f"{method} {target}: {error.message}")
        if document.accepts(pointer, {"Another": 1}):
            fail(f"{method} {target}: the document takes anything")
        tried += 1
    print(f"the admin's document is sound, and true of {tried} requests")


def main():
    binary, file = sys.argv[1:]
    with open(file, encoding="utf-8") as vectors, running(binary) as (api, admin):
        status, headers, body = request(admin, "GET", "/openapi.json")
        if status != 200 or headers["Content-Type"] != "application/json; charset=utf-8":
            fail(f"the document is not served: {status} {headers['Content-Type']}")
        document = json.loads(body)
        check_document(document)
        check_vectors(Document(document), json.load(vectors), api)
        check_admin(admin)


main()
