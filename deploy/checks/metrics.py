"""Reads the metrics of a server by the parsers of Prometheus' own client: usage: metrics.py SERVER-BINARY"""

import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from server import fail, request, running

UCC, SESSION, AGENT = "ucc-demo-name", "1d6c6a58-6739-4f0c-98ff-0968292c8c30", "sip:agent@domain.com"
FORMS = [("text/plain", prometheus), ("application/openmetrics-text; version=1.0.0", open_metrics)]


def families(admin, accept, parse):
    status, headers, body = request(admin, "GET", "/metrics", headers=[("Accept", accept)])
    if status != 200 or not headers["Content-Type"].startswith(accept.split(";")[0]):
        fail(f"no metrics: {status} {headers['Content-Type']}")
    return {family.name: family for family in parse(body.decode())}


def value(families, family, **labels):
    found = [sample.value for sample in families[family].samples if sample.labels == labels and not sample.name.endswith("_created")]
    if len(found) != 1:
        fail(f"{family} {labels}: {len(found)} samples")
    return found[0]


def act(api, action):
    body = {"Action": action, "RequesterSipUri": AGENT, "CorrelationId": SESSION, "UCCName": UCC}
    headers = [("Content-Type", "application/json")]
    status, _, reply = request(api, "POST", "/attendantservice/api/recording/set", json.dumps(body).encode(), headers)
    if status != 200:
        fail(f"{action}: {status} {reply}")


def check(binary, accept, parse):
    with running(binary) as (api, admin):
        before = families(admin, accept, parse)
        for action in ["Pause", "Pause", "Start", "Stop", "Pause"]:
            act(api, action)
        after = families(admin, accept, parse)
        if before.keys() != after.keys():
            fail(f"families come or go: {before.keys() ^ after.keys()}")
        for family in after.values():
            if not family.documentation or not family.name.startswith("recording_") or not family.samples:
                fail(f"{family.name}: no help, another prefix or no samples")
        decided = {
            (action, outcome): value(after, "recording_decisions", action=action, outcome=outcome)
            for action in ["Start", "Stop", "Pause"]
            for outcome in ["changed", "unchanged", "refused"]
        }
        expected = dict.fromkeys(decided, 0) | {
            ("Pause", "changed"): 1,
            ("Pause", "unchanged"): 1,
            ("Pause", "refused"): 1,
            ("Start", "changed"): 1,
            ("Stop", "changed"): 1,
        }
        if decided != expected:
            fail(f"decisions: {decided}")
        histogram = after["recording_request_duration_seconds"]
        buckets = [s for s in histogram.samples if s.name.endswith("_bucket") and s.labels["call"] == "set"]
        bounds = [float(sample.labels["le"]) for sample in buckets]
        counts = [sample.value for sample in buckets]
        if bounds != sorted(bounds) or bounds[-1] != float("inf") or counts != sorted(counts) or counts[-1] != 5:
            fail(f"the histogram is none: {list(zip(bounds, counts))}")
        total = [s.value for s in histogram.samples if s.name.endswith("_sum") and s.labels == {"call": "set"}]
        if len(total) != 1 or not 0 < total[0] < 60:
            fail(f"the sum of times is {total}")
        types = {family.type for family in after.values()}
        if types != {"counter", "gauge", "histogram"}:
            fail(f"types: {types}")
        print(f"{accept}: {len(after)} families, {sum(len(family.samples) for family in after.values())} samples")


def main():
    (binary,) = sys.argv[1:]
    for accept, parse in FORMS:
        check(binary, accept, parse)
    # The parsers find what is wrong.
    for broken in ['recording_x{a="1} 1\n', "recording_x one\n"]:
        for _, parse in FORMS:
            try:
                list(parse(broken + ("# EOF\n" if parse is open_metrics else "")))
            except ValueError:
                continue
            fail(f"a parser takes {broken!r}")


main()
