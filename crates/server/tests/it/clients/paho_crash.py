"""A lock made of Eclipse Paho that says one thing after the other while its server is killed and comes back. It ends
once everything it said was acknowledged to it, and prints how often it had to connect."""
import os
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

EVENTS = int(os.environ["EVENTS"])


def say_everything(version, first_code):
    persistent = {"clean_session": False} if version == mqtt.MQTTv311 else {}
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "SL3P_A1", protocol=version, **persistent)
    client.username_pw_set(os.environ["MQTT_USER"], os.environ["MQTT_PASSWORD"])
    client.reconnect_delay_set(1, 1)
    client.max_queued_messages_set(0)
    connections = 0

    def connected(*_):
        nonlocal connections
        connections += 1

    acknowledged = set()
    client.on_connect = connected
    client.on_publish = lambda c, d, mid, reason, p: acknowledged.add(mid)
    arguments = {}
    if version == mqtt.MQTTv5:
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3600
        arguments = {"clean_start": False, "properties": properties}
    client.connect("127.0.0.1", int(os.environ["MQTT_PORT"]), 30, **arguments)
    client.loop_start()
    said = set()
    for code in range(first_code, first_code + EVENTS):
        # While there is no connection, it is kept for the next.
        said.add(client.publish("nuki/A1/lockActionEvent", f"3,0,195249,{code},1", qos=1 + code % 2).mid)
        time.sleep(0.01)
    patience = time.monotonic() + 60
    while said - acknowledged:
        assert time.monotonic() < patience, f"never acknowledged: {said - acknowledged}"
        time.sleep(0.01)
    client.disconnect()
    client.loop_stop()
    return connections


print(say_everything(mqtt.MQTTv311, 1), say_everything(mqtt.MQTTv5, 1 + EVENTS))
