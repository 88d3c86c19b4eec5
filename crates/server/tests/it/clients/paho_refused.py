"""What a lock may not do, tried with Eclipse Paho in MQTT 3.1.1 and in 5: every refusal comes in a form that a client
nobody here wrote understands."""
import json
import os
import queue

import paho.mqtt.client as mqtt

FRONT, BACK = (json.loads(os.environ[name]) for name in ("FRONT", "BACK"))
PATIENCE = 10


class Client:
    def __init__(self, version, login, client_id, will=None, password=None):
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id, protocol=version, reconnect_on_failure=False
        )
        self.client.username_pw_set(login["username"], password or login["password"])
        if will:
            self.client.will_set(will, "false", qos=1)
        self.events = queue.Queue()
        self.client.on_connect = lambda c, d, flags, reason, p: self.events.put(("connected", reason, flags.session_present))
        self.client.on_disconnect = lambda c, d, flags, reason, p: self.events.put(("ended", reason, None))
        self.client.on_subscribe = lambda c, d, mid, reasons, p: self.events.put(("subscribed", reasons[0], None))
        self.client.on_publish = lambda c, d, mid, reason, p: self.events.put(("published", reason, None))
        self.client.connect("127.0.0.1", int(os.environ["MQTT_PORT"]), 30)
        self.client.loop_start()
        self.is_in = self.next("connected", "ended")[0] == "connected" and not self.last[1].is_failure

    def next(self, *names):
        while True:
            self.last = self.events.get(timeout=PATIENCE)
            if self.last[0] in names:
                return self.last

    def subscribes(self, topic):
        self.client.subscribe(topic, 1)
        name, reason, _ = self.next("subscribed", "ended")
        return name == "subscribed" and not reason.is_failure

    def publishes(self, topic, payload="1"):
        self.client.publish(topic, payload, 1)
        name, reason, _ = self.next("published", "ended")
        return name == "published" and not reason.is_failure

    def leave(self):
        self.client.disconnect()
        self.client.loop_stop()


def is_let_in(*arguments, **more):
    client = Client(*arguments, **more)
    client.leave()
    return client.is_in


for version in (mqtt.MQTTv311, mqtt.MQTTv5):
    front = Client(version, FRONT, "SL3P_A1")
    assert front.publishes("nuki/A1/state")
    for topic in ("#", "+", "+/+/lockAction", "$SYS/#", "$share/g/nuki/A1/lockAction", "nuki/+/lockAction", "nuki/B2/lockAction"):
        assert not front.subscribes(topic), topic
    assert front.subscribes("nuki/A1/lockAction")

    for will in ("nuki/B2/connected", "homeassistant/lock/A1", "$SYS/x"):
        assert not is_let_in(version, FRONT, "another", will=will), will
    assert is_let_in(version, FRONT, "another", will="nuki/A1/connected")
    for client_id in ("a#", "+", "nuki/+"):
        assert not is_let_in(version, FRONT, client_id), client_id
    assert not is_let_in(version, FRONT, "another", password="wrong")

    # A client id belongs to its login: the same one elsewhere is another client, and finds nothing of the first.
    stranger = Client(version, BACK, "SL3P_A1")
    assert stranger.is_in and stranger.last[2] is False
    assert front.client.is_connected() and front.publishes("nuki/A1/state")
    assert not stranger.publishes("nuki/A1/state", "3"), "a second lock with the same id"
    stranger.leave()

    more = [Client(version, FRONT, f"more-{number}") for number in range(4)]
    assert [client.is_in for client in more] == [True, True, True, False], "four connections of a login"
    for client in more:
        client.leave()

    assert not front.publishes("nuki/A1/name", "x" * 65_536), "more than 64 KB"
    front.leave()
    again = Client(version, FRONT, "SL3P_A1")
    assert again.publishes("nuki/A1/state")
    assert not again.publishes("nuki/B2/state"), "another lock's topic"
    again.leave()
