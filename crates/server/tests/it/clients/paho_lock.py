"""A lock made of Eclipse Paho, with a session that outlives its connection, in MQTT 3.1.1 and in 5."""
import os
import queue
import time
import urllib.error
import urllib.request

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

NUKI_ID = "A1"
SMARTLOCK = (4 << 32) | int(NUKI_ID, 16)


class Lock:
    def __init__(self, version):
        persistent = {"clean_session": False} if version == mqtt.MQTTv311 else {}
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, f"SL3P_{NUKI_ID}", protocol=version, **persistent
        )
        self.client.username_pw_set(os.environ["MQTT_USER"], os.environ["MQTT_PASSWORD"])
        self.client.will_set(f"nuki/{NUKI_ID}/connected", "false", qos=1)
        self.connected, self.granted, self.commands = queue.Queue(), queue.Queue(), queue.Queue()
        self.client.on_connect = lambda c, d, flags, reason, p: self.connected.put((flags.session_present, reason))
        self.client.on_subscribe = lambda c, d, mid, reasons, p: self.granted.put(reasons)
        self.client.on_message = lambda c, d, message: self.commands.put(message)
        self.version = version

    def connect(self):
        arguments = {}
        if self.version == mqtt.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 3600
            arguments = {"clean_start": False, "properties": properties}
        self.client.connect("127.0.0.1", int(os.environ["MQTT_PORT"]), 30, **arguments)
        self.client.loop_start()
        present, reason = self.connected.get(timeout=10)
        assert not reason.is_failure, reason
        return present

    def subscribe(self, topic):
        self.client.subscribe(topic, 1)
        return self.granted.get(timeout=10)[0]

    def say(self, topic, payload, qos):
        self.client.publish(f"nuki/{NUKI_ID}/{topic}", payload, qos, retain=topic == "state").wait_for_publish(10)

    def leave(self):
        self.client.disconnect()
        self.client.loop_stop()


def call(method, path):
    request = urllib.request.Request(
        os.environ["BASE_URL"] + path, method=method, headers={"authorization": "Bearer " + os.environ["TOKEN"]}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as refusal:
        return refusal.code


def wait_for(what, fact):
    for _ in range(600):
        if fact():
            return
        time.sleep(0.025)
    raise SystemExit(f"not within 15 s: {what}")


def unlock():
    return call("POST", f"/smartlock/{SMARTLOCK}/action/unlock")


def life(version):
    lock = Lock(version)
    lock.connect()
    lock.say("deviceType", "4", 2)
    lock.say("state", "1", 1)
    assert lock.subscribe("#").is_failure
    assert lock.subscribe("nuki/B2/lockAction").is_failure
    assert lock.subscribe(f"nuki/{NUKI_ID}/lockAction").value == 1
    wait_for("an order taken", lambda: unlock() == 204)
    message = lock.commands.get(timeout=10)
    assert (message.topic, message.payload, message.retain) == (f"nuki/{NUKI_ID}/lockAction", b"1", False)
    lock.say("commandResponse", "0", 1)
    lock.say("state", "3", 2)
    lock.leave()

    wait_for("offline", lambda: unlock() == 409)
    assert lock.connect(), "the session was not kept"
    # What is subscribed lives on in the session; a new order arrives, and none from while it was away.
    wait_for("an order taken again", lambda: unlock() == 204)
    assert lock.commands.get(timeout=10).payload == b"1"
    lock.say("commandResponse", "0", 1)
    time.sleep(0.2)
    assert lock.commands.empty(), "an order was kept for a lock that was away"
    lock.leave()
    wait_for("offline at the end", lambda: unlock() == 409)


life(mqtt.MQTTv311)
life(mqtt.MQTTv5)
