"""Starts Home Assistant with its recorder on a throw-away directory, makes its first user, prints address and token."""

import json
import pathlib
import subprocess
import sys
import time
import urllib.parse
import urllib.request

folder, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
base = f"http://127.0.0.1:{port}"
folder.joinpath("configuration.yaml").write_text(
    f"http:\n  server_host: 127.0.0.1\n  server_port: {port}\napi:\nonboarding:\nrecorder:\n"
)
hass = subprocess.Popen(
    [sys.executable, "-m", "homeassistant", "-c", str(folder)],
    stdout=folder.joinpath("log").open("w"),
    stderr=subprocess.STDOUT,
)


def ask(path, body, kind="application/json"):
    request = urllib.request.Request(base + path, body.encode(), {"content-type": kind})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


def first_user():
    person = {"client_id": base, "name": "A", "username": "a", "password": "a-long-one", "language": "en"}
    for _ in range(1_500):
        try:
            return ask("/api/onboarding/users", json.dumps(person))["auth_code"]
        except OSError:
            time.sleep(0.2)
    sys.exit(f"Home Assistant does not start; see {folder}/log")


try:
    grant = {"grant_type": "authorization_code", "code": first_user(), "client_id": base}
    token = ask("/auth/token", urllib.parse.urlencode(grant), "application/x-www-form-urlencoded")["access_token"]
    print(base, token, flush=True)
    hass.wait()
finally:
    hass.terminate()
