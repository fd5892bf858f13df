"""The checker of tests/adapters against descriptions: it reads what vendors write, and it finds what is wrong."""
import json
import sys

import pytest
from rig import ROOT

sys.path.insert(0, str(ROOT / "tests/adapters"))
import check_readers  # noqa: E402
import check_schema  # noqa: E402
import check_table  # noqa: E402

PROTO = """
syntax = "proto3"; // a "comment" with a quote and https://example.com
package p;
service Things {
  option (google.api.default_host) = "things.example"; /* { */
  rpc MakeThing(MakeThingRequest) returns (google.longrunning.Operation) {
    option (google.api.http) = { post: "/v1/{parent=projects/*}/things:make" body: "*" additional_bindings { post: "/v1/things:make" body: "*" } };
  }
}
message MakeThingRequest {
  string parent = 1 [(google.api.field_behavior) = REQUIRED, (google.api.resource_reference) = { type: "x/Thing" }];
  Thing made_thing = 2 [(google.api.field_behavior) = REQUIRED];
  map<string, string> labels = 3;
  message Inner { int64 n = 1; }
  oneof which { bool quick_one = 4; repeated float sizes = 5; }
}
message Thing { string display_name = 1; google.protobuf.Value any = 2; reserved 3, 4; enum Kind { A = 0; } }
"""
AWS = {
    "operations": {
        "Make": {"http": {"method": "POST", "requestUri": "/thing/{thingArn}?x=1"}, "input": {"shape": "In"}, "output": {"shape": "Out"}, "errors": [{"shape": "Bad"}]},
        "Raw": {"http": {"method": "POST", "requestUri": "/raw"}, "input": {"shape": "RawIn"}},
    },
    "shapes": {
        "In": {"type": "structure", "required": ["thingArn", "n"],
               "members": {"thingArn": {"shape": "Text", "location": "uri", "locationName": "thingArn"}, "n": {"shape": "Number"}, "tags": {"shape": "Tags"}}},
        "Out": {"type": "structure", "members": {"made": {"shape": "When"}}},
        "Bad": {"type": "structure", "members": {}, "error": {"httpStatusCode": 429}, "exception": True},
        "RawIn": {"type": "structure", "members": {"body": {"shape": "Blob"}}, "payload": "body"},
        "Text": {"type": "string", "min": 1}, "Number": {"type": "integer"}, "Blob": {"type": "blob"}, "When": {"type": "timestamp"},
        "Tags": {"type": "list", "member": {"shape": "Text"}, "max": 2},
    },
}
OPENAPI = {
    "openapi": "3.0.3",
    "components": {
        "schemas": {"Thing": {"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "nullable": True}, "deep": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}}}},
                    "Part": {"oneOf": [{"type": "object", "properties": {"x": {"type": "number", "minimum": 0, "exclusiveMinimum": True}}}, {"type": "string"}]},
                    "Free": {"type": "object", "additionalProperties": {"type": "string"}}},
        "requestBodies": {"Make": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}},
    },
    "paths": {"/things/{id}": {"parameters": [{"in": "query", "name": "q", "schema": {"type": "string"}}],
                               "post": {"requestBody": {"$ref": "#/components/requestBodies/Make"}, "responses": {"4XX": {"content": {"application/problem+json": {"schema": {"type": "object"}}}}}}},
              "/things/new": {"post": {"responses": {}}}},
}


def written(folder, name, text):
    path = folder / name
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    return str(path)


def test_proto(tmp_path):
    """Fields have their JSON names, path fields are not needed in the body, other files' types are free; what is unknown or of another type is found."""
    description = check_readers.proto([written(tmp_path, "a.proto", PROTO)], [("More", "post", "/v2/{name+}:more", "Thing", "Operation")])
    operation = description.find("POST", "/v1/projects/p1/things:make")
    assert operation is description.find("POST", "/v1/projects/p2/things:make") and description.find("POST", "/v1/things:make") and description.find("POST", "/v2/a/b:more")
    assert description.find("GET", "/v1/things:make") is None
    schema = check_schema.json_of(operation.bodies)
    assert description.mistakes(schema, {"madeThing": {"displayName": "x", "any": {"y": [1]}}, "quickOne": True, "sizes": [1.5], "labels": {"a": "b"}}) == []
    for wrong in ({}, {"madeThing": {"display_name": "x"}}, {"madeThing": {"displayName": 7}}, {"madeThing": {}, "sizes": 1.5}, {"madeThing": {}, "other": 1}):
        assert description.mistakes(schema, wrong), wrong


def test_service_model(tmp_path):
    """Members that travel in the path are not in the body; ARNs have slashes; a blob is the model's own; errors are told by status."""
    description = check_readers.botocore(written(tmp_path, "service-2.json", AWS))
    operation = description.find("POST", "/thing/arn:aws:x/1")
    schema = check_schema.json_of(operation.bodies)
    assert description.mistakes(schema, {"n": 1, "tags": ["a"]}) == [] and operation.needs_body
    for wrong in ({}, {"n": "1"}, {"n": 1, "thingArn": "a"}, {"n": 1, "tags": ["a", "b", "c"]}, {"n": 1, "tags": [""]}):
        assert description.mistakes(schema, wrong), wrong
    assert check_schema.json_of(operation.answer(429)) is not None and operation.answer(500) is None
    assert description.mistakes(check_schema.json_of(description.find("POST", "/raw").bodies), {"anything": 1}) == []


def test_openapi(tmp_path):
    """References, null, exclusive bounds, families of statuses; unknown fields are found at any depth, but not where others are welcome."""
    description = check_readers.openapi(written(tmp_path, "a.json", OPENAPI))
    operation = description.find("POST", "/things/7")
    schema = check_schema.json_of(operation.bodies)
    assert operation.needs_body and "q" in operation.query and not description.find("POST", "/things/new").needs_body
    assert description.mistakes(schema, {"a": None, "deep": [{"x": 1}, "text"]}) == []
    for wrong, word in (({}, "'a' is a required"), ({"a": 1}, "a: 1 is not valid"), ({"a": "", "deep": [{"x": 0}]}, "deep/0"), ({"a": "", "deep": [{"y": 1}]}, "deep/0/y: the description knows no such field"),
                        ({"a": "", "b": 1}, "b: the description knows no such field")):
        assert any(word in mistake for mistake in description.mistakes(schema, wrong)), (wrong, description.mistakes(schema, wrong))
    assert description.mistakes({"$ref": "#/components/schemas/Free"}, {"whatever": "x"}) == []
    assert check_schema.json_of(operation.answer(404)) == {"type": "object"} and operation.answer(200) is None


@pytest.mark.parametrize("adapter", sorted(file.stem for file in (ROOT / "adapters").glob("*.yaml")))
def test_every_adapter_has_a_word(adapter):
    """Described or not, each adapter stands in one of the tables, and in one only."""
    assert (adapter in check_table.DESCRIBED) != (adapter in check_table.UNDESCRIBED)
