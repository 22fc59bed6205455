"""A scripted authorization server (RFC 6749) over TLS, on a port that the kernel chose.

    with TokenServer(authority) as server:
        server.refresh_tokens["r1"] = "me@example.com"
        server.script("token", Answer(503, "", {"Retry-After": "7"}))   for the next request to /token
        ... run a client against server.url ...
        server.forms("token")          what was asked, in order
"""

import base64
import hashlib
import http.server
import json
import subprocess
import tempfile
import threading
import time
import urllib.parse
from dataclasses import dataclass, field


DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"  # RFC 8628, 3.4


@dataclass
class Answer:
    """One answer that is not what the server would say. body: text, octets or an object for JSON."""
    status: int = 200
    body: object = ""
    headers: dict = field(default_factory=dict)
    wait: threading.Event = None  # set by the test; until then nothing is said
    kind: str = "application/json"


def octets(body):
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class Refusal(Exception):
    def __init__(self, code, description="", status=400):
        super().__init__(code)
        self.code, self.description, self.status = code, description, status


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer({})

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        text = self.rfile.read(length).decode()
        self.answer(dict(urllib.parse.parse_qsl(text, keep_blank_values=True)))

    def answer(self, form):
        server = self.server.owner
        path = self.path.split("?")[0].strip("/")
        authorization = self.headers.get("Authorization", "")
        if authorization.startswith("Basic "):
            user, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
            form.setdefault("client_id", urllib.parse.unquote(user))
            form.setdefault("client_secret", urllib.parse.unquote(secret))
            form["basic"] = "yes"
        answer = server.take(path, form)
        if answer.wait:
            answer.wait.wait(60)
        body = octets(answer.body)
        self.send_response(answer.status)
        for name, value in {"Content-Type": answer.kind, **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def date_time_string(self, timestamp=None):
        return super().date_time_string(time.time() + self.server.owner.clock_ahead)


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, owner, context):
        self.owner = owner
        super().__init__(("127.0.0.1", 0), Handler)
        self.socket = context.wrap_socket(self.socket, server_side=True,
                                          do_handshake_on_connect=False)

    def handle_error(self, *_):
        pass  # a client that was killed


class TokenServer:
    def __init__(self, authority, certificate="good"):
        self.listener = Listener(self, authority.context(certificate))
        self.url = f"https://localhost:{self.listener.server_address[1]}"
        self.trust = authority.trust
        self.clients = {"cid": None}  # id: secret, public key in PEM, or None for a public client
        self.refresh_tokens = {}      # token: whose
        self.codes, self.devices = {}, {}
        self.device_grant = DEVICE_GRANT  # else as Yandex has it
        self.service_accounts = {}  # address: public key in PEM
        self.mailboxes = {"me@example.com"}  # that service accounts may act for
        self.expires_in, self.rotate, self.size = 3600, True, 0
        self.scope = "smtp"
        self.issued, self.clock_ahead = [], 0
        self.methods = None  # token_endpoint_auth_methods_supported
        self.seen, self._scripts = [], {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.listener.serve_forever, args=(0.01,),
                                        daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown()
        self._thread.join()
        self.listener.server_close()

    def script(self, path, *answers):
        self._scripts.setdefault(path, []).extend(answers)

    def forms(self, path):
        with self._lock:
            return [form for name, form in self.seen if name == path]

    def take(self, path, form):
        with self._lock:
            self.seen.append((path, form))
            if self._scripts.get(path):
                return self._scripts[path].pop(0)
            try:
                if path == "token":
                    return Answer(200, self.grant(form))
                if path == "device":
                    return Answer(200, self.begin_device(form))
                if path == ".well-known/oauth-authorization-server":
                    return Answer(200, self.description())
            except Refusal as refusal:
                return Answer(refusal.status, {"error": refusal.code,
                                               "error_description": refusal.description})
            return Answer(404, "not found", kind="text/plain")

    def description(self):
        found = {"issuer": self.url, "authorization_endpoint": self.url + "/authorize",
                 "token_endpoint": self.url + "/token",
                 "device_authorization_endpoint": self.url + "/device"}
        if self.methods:
            found["token_endpoint_auth_methods_supported"] = self.methods
        return found

    # -- grants

    def grant(self, form):
        kind = form.get("grant_type", "")
        if kind.endswith("jwt-bearer"):
            self.check_service_account(form)
            return self.issue(None)
        self.check_client(form)
        if kind == "client_credentials":
            return self.issue(None)
        if kind == "refresh_token":
            whose = self.refresh_tokens.get(form.get("refresh_token"))
            if whose is None:
                raise Refusal("invalid_grant", "Token has been expired or revoked.")
            if self.rotate:
                del self.refresh_tokens[form["refresh_token"]]
            return self.issue(whose if self.rotate else None)
        if kind == "authorization_code":
            return self.redeem(form)
        if kind == self.device_grant:
            return self.poll_device(form)
        raise Refusal("unsupported_grant_type")

    def issue(self, whose):
        """An access token of `size` octets at least, and with WHOSE a refresh token."""
        number = len(self.issued) + 1
        token = f"access{number}-".ljust(self.size, "t")
        self.issued.append(token)
        reply = {"access_token": token, "token_type": "Bearer", "scope": self.scope}
        if self.expires_in is not None:
            reply["expires_in"] = self.expires_in
        if whose:
            reply["refresh_token"] = f"refresh{number}"
            self.refresh_tokens[f"refresh{number}"] = whose
        return reply

    def check_client(self, form):
        proof = self.clients.get(form.get("client_id"), False)
        if proof is False:
            raise Refusal("invalid_client", "no such client", 401)
        if proof and proof.startswith("-----BEGIN"):
            claims = self.verify(form.get("client_assertion", ""), proof, "invalid_client")
            if claims["sub"] != form["client_id"] or claims["iss"] != form["client_id"]:
                raise Refusal("invalid_client", "the assertion is another client's", 401)
        elif proof and form.get("client_secret") != proof:
            raise Refusal("invalid_client", "a wrong secret", 401)

    def check_service_account(self, form):
        """RFC 7523, 3: signature, aud, sub, exp."""
        header, claims = (json.loads(decoded(part)) for part in form["assertion"].split(".")[:2])
        key = self.service_accounts.get(claims.get("iss"))
        if not key:
            raise Refusal("invalid_grant", "Not a valid email or user ID.")
        claims = self.verify(form["assertion"], key, "invalid_grant")
        if claims.get("sub") not in self.mailboxes:
            raise Refusal("unauthorized_client", "Client is unauthorized to retrieve access tokens")
        if claims.get("scope") != self.scope:
            raise Refusal("invalid_scope", "no such scope")

    def verify(self, assertion, key, code):
        parts = assertion.split(".")
        if len(parts) != 3:
            raise Refusal(code, "no assertion", 401)
        header, claims = (json.loads(decoded(part)) for part in parts[:2])
        if header["alg"] != "RS256" or not signature_holds(parts, key):
            raise Refusal(code, "a wrong signature", 401)
        now = time.time() + self.clock_ahead
        if claims["aud"] != self.url + "/token":
            raise Refusal(code, "a wrong aud", 401)
        if not now < claims["exp"] <= now + 3700 or claims["iat"] > now + 60:
            raise Refusal(code, "Invalid JWT: Token must be a short-lived token", 400)
        return claims

    def redeem(self, form):
        wanted = self.codes.pop(form.get("code"), None)
        verifier = form.get("code_verifier", "")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        if not wanted or wanted["redirect_uri"] != form.get("redirect_uri"):
            raise Refusal("invalid_grant", "a wrong code or redirect_uri")
        if wanted["code_challenge"] != challenge.decode().rstrip("=") or len(verifier) < 43:
            raise Refusal("invalid_grant", "a wrong code_verifier")
        return self.issue("me@example.com")

    def authorize(self, url):
        """What a browser does with the address that a person opens: (redirect_uri, state, code)."""
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        assert query["response_type"] == "code" and query["code_challenge_method"] == "S256"
        code = f"code{len(self.codes) + 1}"
        self.codes[code] = query
        return query["redirect_uri"], query["state"], code

    def begin_device(self, form):
        self.check_client(form)
        code = f"device{len(self.devices) + 1}"
        self.devices[code] = ["authorization_pending"]
        where = "verification_uri" if self.device_grant == DEVICE_GRANT else "verification_url"
        return {"device_code": code, "user_code": "ABCD-EFGH", "expires_in": 300, "interval": 0,
                where: self.url + "/activate"}

    def poll_device(self, form):
        name = "device_code" if self.device_grant == DEVICE_GRANT else "code"
        waiting = self.devices.get(form.get(name))
        if waiting is None:
            raise Refusal("invalid_grant")
        if waiting:
            raise Refusal(waiting.pop(0))
        return self.issue("me@example.com")


def signature_holds(parts, key):
    with tempfile.TemporaryDirectory() as directory:
        for name, data in (("key", key.encode()), ("signature", decoded(parts[2]))):
            with open(f"{directory}/{name}", "wb") as out:
                out.write(data)
        done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", f"{directory}/key",
                               "-signature", f"{directory}/signature"],
                              input=".".join(parts[:2]).encode(), capture_output=True)
        return done.returncode == 0
