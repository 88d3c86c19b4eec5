"""Sets a lock behind a hub through the PyPI package nuki-web-api, as its users would: read, change, send all back."""
import os
import time

from nukiwebapi import NukiWebAPI

client = NukiWebAPI(os.environ["TOKEN"], base_url=os.environ["BASE_URL"])


def wait_for(what, fact):
    for _ in range(1200):
        if fact():
            return
        time.sleep(0.025)
    raise SystemExit(f"not within 30 s: {what}: {read()}")


def read():
    locks = client.smartlock.list_smartlocks()
    return locks[0] if locks else {}


def has(model, **values):
    now = read().get(model, {})
    return "operationId" not in now and all(now.get(key) == value for key, value in values.items())


wait_for("its advanced config", lambda: "advancedConfig" in read())
number = read()["smartlockId"]

advanced = read()["advancedConfig"]
assert advanced["lngTimeout"] == 20, advanced
advanced["lngTimeout"] = 30
assert client.smartlock.update_advanced_config(number, advanced).status_code == 204
wait_for("lock 'n' go after 30 s", lambda: has("advancedConfig", lngTimeout=30))

# A hub does not tell where the door is, and both models need all their required keys: it is known once it was set.
assert "config" not in read()
client.smartlock.update_config(number, {"latitude": 48.21, "longitude": 16.37})
wait_for("its config", lambda: has("config", latitude=48.21, longitude=16.37))
config = read()["config"]
config["ledBrightness"], config["ledEnabled"] = 5, False
client.smartlock.update_config(number, config)
wait_for("a darker light", lambda: has("config", ledBrightness=5, ledEnabled=False))
before, after = config, read()["config"]
assert before == after, (before, after)

assert client.smartlock.sync_smartlock(number).status_code == 204
client.smartlock.update_web_config(number, {"batteryWarningPerMailEnabled": True})
client.smartlock.bulk_web_config(
    {"webConfigRequests": [{"smartlockId": number, "webConfig": {"dismissedLiftUpHandleWarning": [7]}}]}
)
kept = {"batteryWarningPerMailEnabled": True, "dismissedLiftUpHandleWarning": [7]}
assert read()["webConfig"] == kept, read()
client.smartlock.update_smartlock(number, {"name": "Main door", "favorite": True})
assert (read()["name"], read()["favorite"]) == ("Main door", True), read()

for refused in [
    lambda: client.smartlock.update_advanced_config(number, {"lngTimeout": 7}),
    lambda: client.smartlock.update_opener_advanced_config(number, {"soundLevel": 5}),
    lambda: client.smartlock.update_admin_pin(number, {"adminPin": 1234}),
]:
    try:
        answer = refused()
    except Exception as error:
        assert "400" in str(error), error
    else:
        raise SystemExit(f"it was not refused: {answer}")
assert has("advancedConfig", lngTimeout=30)

client.smartlock.delete_smartlock(number)
assert client.smartlock.list_smartlocks() == []
