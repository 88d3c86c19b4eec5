"""Drives the operations of this server through the PyPI package nuki-web-api, as its users would."""
import os
import time

from nukiwebapi import NukiWebAPI

client = NukiWebAPI(os.environ["TOKEN"], base_url=os.environ["BASE_URL"])


def wait_for(what, fact):
    for _ in range(600):
        if fact():
            return
        time.sleep(0.025)
    raise SystemExit(f"not within 15 s: {what}")


def body(answer):
    return answer.json() if hasattr(answer, "json") else answer


account = body(client._request("GET", "/account"))
assert account["email"] == "anna@example.org", account

wait_for("a state", lambda: any("state" in lock for lock in client.smartlock.list_smartlocks()))
(number,) = client.lock_instances
door = client.lock_instances[number]
assert door.name == "Front door" and door.is_locked, door.raw_data
assert client.smartlock.get_smartlock(door.id).name == "Front door"


def is_in(state):
    return door.refresh()["state"]["state"] == state


door.unlock()
wait_for("unlocked", lambda: is_in(3))
door.lock()
wait_for("locked", lambda: is_in(1))
client.smartlock.action(door.id, {"action": 1, "option": 0})
wait_for("unlocked by action", lambda: is_in(3))

wait_for("three entries", lambda: len(body(client.smartlock_log.list_logs({"limit": 50}))) == 3)
entries = body(client.smartlock_log.list_logs_for_smartlock(door.id, {"limit": 2}))
assert [entry["action"] for entry in entries] == [1, 2], entries
older = body(client.smartlock_log.list_logs_for_smartlock(door.id, {"id": entries[-1]["id"]}))
assert [entry["action"] for entry in older] == [1], older
