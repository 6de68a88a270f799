#!/usr/bin/env python3
"""The table of transitions and the wire vectors through the shared library, by cffi: `python.py LIBRARY HEADER`.

The vectors run three times: by a desk, by callbacks, and step by step. The world of the latter two is a dictionary here.
"""

import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import vectors  # noqa: E402
from cffi import FFI  # noqa: E402

ffi = FFI()


def declarations(header):
    """What cffi reads: the header without what is for the preprocessor and for C++."""
    text = Path(header).read_text()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r"#ifdef __cplusplus.*?#endif.*?$", "", text, flags=re.S | re.M)
    text = re.sub(r"^#define \w+\(.*?[^\\]$", "", text, flags=re.S | re.M)
    text = re.sub(r'^#define \w+ ".*$|^#(include|if|endif|ifndef|define RECORDING_CORE_H).*$', "", text, flags=re.M)
    return re.sub(r"static inline.*?^}", "", text, flags=re.S | re.M)


def load(library, header):
    ffi.cdef(declarations(header))
    found = ffi.dlopen(library)
    if found.rc_abi_version() != found.RC_ABI_VERSION:
        sys.exit("python: the library is not that of the header")
    return found


class Texts:
    """Keeps the bytes of texts alive as long as C needs them."""

    def __init__(self):
        self.kept = []

    def __call__(self, text):
        if text is None:
            return (ffi.NULL, 0)
        data = text.encode()
        self.kept.append(ffi.from_buffer("char[]", data))
        return (self.kept[-1], len(data))


def request_of(texts, case):
    fields = (case["method"], case["target"], case.get("content_type"), case.get("body"))
    return ffi.new("rc_request *", [texts(field) for field in fields])


class Answer:
    def __init__(self):
        self.reply, self.event = ffi.new("char[]", rc.RC_REPLY_MAX), ffi.new("char[]", rc.RC_EVENT_MAX)
        self.answer = ffi.new("rc_answer *")
        self.answer.reply = (self.reply, rc.RC_REPLY_MAX, 0)
        self.answer.event = (self.event, rc.RC_EVENT_MAX, 0)

    def told(self):
        reply, event = (ffi.buffer(buffer.data, buffer.len)[:].decode() for buffer in (self.answer.reply, self.answer.event))
        return self.answer.status, reply, event or None


def need(status):
    if status != rc.RC_OK:
        sys.exit(f"python: {ffi.string(rc.rc_status_text(status)).decode()}")


def by_desk(world, case):
    texts, capacities = Texts(), ffi.new("rc_capacities *", (16, 16, 16, 1024))
    size = rc.rc_desk_size(capacities)
    memory, place = ffi.new("uint64_t[]", size // 8), ffi.new("rc_desk **")
    need(rc.rc_desk_init(memory, size, capacities, place))
    desk = place[0]
    for ucc in world["uccs"]:
        need(rc.rc_desk_add_ucc(desk, texts(ucc["name"]), ffi.new("rc_settings *", vectors.switches(ucc))))
        for agent in ucc["agents"]:
            need(rc.rc_desk_add_agent(desk, texts(ucc["name"]), texts(agent)))
    for session in world["sessions"]:
        state = vectors.state(session["recording"], session["marking"], session["saving"])
        need(rc.rc_desk_begin(desk, texts(session["ucc"]), texts(session["correlation_id"]), state))
    answer = Answer()
    need(rc.rc_desk_handle(desk, request_of(texts, case), answer.answer))
    return answer.told()


class Store:
    """The world in a dictionary, for the ways that ask."""

    def __init__(self, world):
        self.uccs = {ucc["name"]: ucc for ucc in world["uccs"]}
        self.sessions = {
            (session["ucc"], session["correlation_id"]): vectors.state(session["recording"], session["marking"], session["saving"])
            for session in world["sessions"]
        }

    def key(self, question):
        ucc = ffi.buffer(question.ucc.data, question.ucc.len)[:].decode()
        return ucc, ffi.string(question.correlation_id_text).decode()

    def facts(self, question, facts):
        key = self.key(question)
        if (ucc := self.uccs.get(key[0])) is None:
            return
        requester = ffi.buffer(question.requester.data, question.requester.len)[:].decode() if question.requester.len else ""
        facts.ucc_known = 1
        facts.settings = vectors.switches(ucc)
        facts.requester_is_agent = any(agent.lower() == requester.lower() for agent in ucc["agents"])
        facts.session_known = key in self.sessions
        facts.session = self.sessions.get(key, 0)

    def store(self, question, change):
        if self.sessions[self.key(question)] != getattr(change, "from"):
            sys.exit("python: a change does not begin where the session is")
        self.sessions[self.key(question)] = change.to


def by_steps(world, case):
    store, texts, exchange = Store(world), Texts(), ffi.new("rc_exchange *")
    question, facts, change = ffi.new("rc_question *"), ffi.new("rc_facts *"), ffi.new("rc_change *")
    need(rc.rc_exchange_begin(exchange, request_of(texts, case)))
    answer = Answer()
    if rc.rc_exchange_stage(exchange) == rc.RC_STAGE_FACTS:
        need(rc.rc_exchange_question(exchange, question))
        store.facts(question, facts)
        need(rc.rc_exchange_decide(exchange, facts))
    if rc.rc_exchange_stage(exchange) == rc.RC_STAGE_STORE:
        if rc.rc_exchange_answer(exchange, answer.answer) != rc.RC_WRONG_STAGE:
            sys.exit("python: there is an answer before the change is stored")
        need(rc.rc_exchange_change(exchange, change))
        store.store(question, change)
        need(rc.rc_exchange_stored(exchange))
    need(rc.rc_exchange_answer(exchange, answer.answer))
    return answer.told()


def by_callbacks(world, case):
    store, texts, answer = Store(world), Texts(), Answer()

    @ffi.callback("int32_t(void *, const rc_question *, rc_facts *)")
    def look_up(_, question, facts):
        store.facts(question, facts)
        return 0

    @ffi.callback("int32_t(void *, const rc_question *, const rc_change *)")
    def keep(_, question, change):
        store.store(question, change)
        return rc.RC_STORE_DONE

    callbacks = ffi.new("rc_callbacks *", (ffi.NULL, look_up, keep))
    need(rc.rc_handle(callbacks, request_of(texts, case), answer.answer))
    return answer.told()


def transitions():
    outcomes = {"changed": [rc.RC_OUTCOME_CHANGED], "unchanged": [rc.RC_OUTCOME_UNCHANGED], "refused": [rc.RC_OUTCOME_NOT_STARTED, rc.RC_OUTCOME_STOPPED]}
    rows = vectors.transitions()
    for row in rows:
        before = vectors.state(row["recording"], row["marking"], row["saving"])
        after = vectors.state(row["recording_after"], row["marking_after"], row["saving_after"])
        got = rc.rc_apply(before, rc.rc_action_of_name(Texts()(row["action"])))
        if got.state != after or got.outcome not in outcomes[row["outcome"]]:
            print(f"python: {row}: {got.state} {got.outcome}")
            return False
    print(f"python: {len(rows)} transitions")
    return len(rows) == 252


if __name__ == "__main__":
    rc = load(*sys.argv[1:])
    ways = [("python, by a desk", by_desk), ("python, by callbacks", by_callbacks), ("python, step by step", by_steps)]
    held = [transitions()] + [vectors.run(name, way) for name, way in ways]
    sys.exit(0 if all(held) else 1)
