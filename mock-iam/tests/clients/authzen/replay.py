"""Replays the vectors of the AuthZEN interoperability events: replay.py MOCK_IAM CHECKOUT

CHECKOUT is https://github.com/openid/authzen. Directory and policies are written from the scenarios' descriptions; what
the vectors expect is compared exactly, results of searches as sets.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.request

TOKEN = "t"
PEOPLE = {"RmZDA2MTRk": ("rick@the-citadel.com", ["admin", "evil_genius"]), "RmZDE2MTRk": ("morty@the-citadel.com", ["editor"]),
          "RmZDI2MTRk": ("summer@the-smiths.com", ["editor"]), "RmZDM2MTRk": ("beth@the-smiths.com", ["viewer"]),
          "RmZDQ2MTRk": ("jerry@the-smiths.com", ["viewer"])}
EDITORS = '(principal in Role::"editor" || principal in Role::"admin" || principal in Role::"evil_genius")'
TODO = f"""
permit (principal, action in [Action::"can_read_user", Action::"can_read_todos"], resource);
permit (principal, action == Action::"can_create_todo", resource) when {{ {EDITORS} }};
permit (principal, action in [Action::"can_update_todo", Action::"can_delete_todo"], resource)
when {{ {EDITORS} && resource.ownerID == principal.email }};
permit (principal in Role::"evil_genius", action == Action::"can_update_todo", resource);
permit (principal in Role::"admin", action == Action::"can_delete_todo", resource);
permit (principal, action == Action::"GET", resource is Route);
permit (principal, action in [Action::"POST", Action::"PUT", Action::"DELETE"], resource is Route) when {{ {EDITORS} }};
"""
SEARCH = """
permit (principal, action in [Action::"view", Action::"edit", Action::"delete"], resource is Record)
when { resource.owner == principal };
permit (principal, action == Action::"view", resource is Record) when { resource.department == principal.department };
permit (principal in Role::"manager", action == Action::"view", resource is Record);
permit (principal in Role::"manager", action == Action::"edit", resource is Record)
when { resource.department == principal.department };
"""
TYPES = {"user": "User", "identity": "User", "todo": "Todo", "route": "Route", "record": "Record"}


def subjects(interop):
    """The vectors name people by opaque identifiers: each holds the part that tells them apart."""
    text = (interop / "authzen-todo-backend/test/decisions-authorization-api-1_0-02.json").read_text()
    for name in sorted(set(re.findall(r'"(CiRmZD[A-Za-z0-9]+)"', text))):
        email, roles = next(person for part, person in PEOPLE.items() if part in name)
        yield name, {"roles": roles, "attributes": {"email": email}}


def world(interop):
    data = interop / "authzen-search-demo/data"
    people = {user["id"]: {"roles": [user["role"]], "attributes": {"department": user["department"]}}
              for user in json.loads((data / "users.json").read_text())}
    records = [{"type": "Record", "id": str(record["id"]), "attributes": {
        "department": record["department"], "owner": {"type": "User", "id": record["owner"]}}}
        for record in json.loads((data / "records.json").read_text())]
    return people, records


class Server:
    """One server for one scenario, on a free port."""

    def __init__(self, program, place, personas, resources, policies):
        config = {"personas": personas, "resources": resources, "callers": {"pep": {"token": TOKEN, "may": ["decide"]}},
                  "entity_types": {name: kind for name, kind in TYPES.items() if name in policies[1]},
                  "policies": {"files": [{"name": "scenario.cedar", "text": policies[0]}]}}
        file = pathlib.Path(place, "iam.json")
        file.write_text(json.dumps(config))
        arguments = [program, "--config", file, "--listen", "127.0.0.1:0", "--log", "json"]
        self.process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, env={"RUST_LOG": "info,mock_iam::decision=off"})
        for line in self.process.stderr:
            if '"listening"' in line:
                self.base = "http://" + json.loads(line)["address"]
                return
        sys.exit("the server did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def ask(self, path, body):
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.base + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)


def replay(server, name, vectors, path, answer_of):
    passed = 0
    for vector in vectors:
        found = answer_of(server.ask(path, vector["request"]))
        expected = vector["expected"]
        if isinstance(expected, dict):
            found, expected = (sorted(map(json.dumps, side["results"])) for side in (found, expected))
        passed += found == expected
        if found != expected:
            print(f"  {name}: {json.dumps(vector['request'])}\n    expected {expected}\n    found    {found}")
    print(f"AuthZEN {name:<24} {passed} of {len(vectors)}")
    return passed == len(vectors)


def main(program, checkout):
    interop = pathlib.Path(checkout, "interop") if pathlib.Path(checkout, "interop").is_dir() else pathlib.Path(checkout)
    load = lambda path: json.loads((interop / path).read_text())
    people, records = world(interop)
    decision, all_of, itself = (lambda body: body["decision"]), (lambda body: body["evaluations"]), (lambda body: body)
    sound = []
    with tempfile.TemporaryDirectory() as place:
        with Server(program, place, dict(subjects(interop)), [], (TODO, ["user", "todo"])) as server:
            todo = load("authzen-todo-backend/test/decisions-authorization-api-1_0-02.json")
            sound.append(replay(server, "todo", todo["evaluation"], "/access/v1/evaluation", decision))
            sound.append(replay(server, "todo, batches", todo["evaluations"], "/access/v1/evaluations", all_of))
        with Server(program, place, dict(subjects(interop)), [], (TODO, ["identity", "route"])) as server:
            gateway = load("authzen-api-gateways/test-harness/test/decisions.json")
            sound.append(replay(server, "gateway", gateway["evaluation"], "/access/v1/evaluation", decision))
        with Server(program, place, people, records, (SEARCH, ["user", "record"])) as server:
            for kind in ["subject", "resource", "action"]:
                vectors = load(f"authzen-search-demo/test-harness/src/{kind}/results.json")["evaluation"]
                sound.append(replay(server, f"search, {kind}", vectors, f"/access/v1/search/{kind}", itself))
            vectors = load("authzen-idp/test-harness/src/results.json")["search"]
            sound.append(replay(server, "identity provider", vectors, "/access/v1/search/resource", itself))
    return 0 if all(sound) else 1


sys.exit(main(*sys.argv[1:]))
