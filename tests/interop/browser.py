"""A person who logs in at npm's oidc-provider."""

import html
import http.cookiejar
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request

PATIENCE = 60


class Browser:
    """Fills in each form that it is shown, and follows redirections."""

    def __init__(self, trust):
        class Stop(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_):
                return None

        context = ssl.create_default_context(cafile=trust)
        self.open = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), Stop,
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())).open

    def go(self, url, data=None):
        for _ in range(20):
            if url.startswith("http://127.0.0.1"):
                with urllib.request.urlopen(url, timeout=PATIENCE) as reply:
                    return url, reply.read().decode()
            try:
                with self.open(url, data, timeout=PATIENCE) as reply:
                    return url, reply.read().decode()
            except urllib.error.HTTPError as answer:
                assert answer.code in (302, 303), answer.read()
                url, data = urllib.parse.urljoin(url, answer.headers["Location"]), None
        raise AssertionError("a redirection without end")

    def consent(self, url, **values):
        """Until there is no form any more: the last page."""
        url, page = self.go(url)
        for _ in range(10):
            form = re.search(r'<form[^>]*action="([^"]+)"', page)
            if not form:
                return page
            fields = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"',
                                     page))
            for name, value in {"login": "me", "password": "x", **values}.items():
                if f'name="{name}"' in page:
                    fields[name] = value
            url, page = self.go(urllib.parse.urljoin(url, html.unescape(form[1])),
                                urllib.parse.urlencode(fields).encode())
        raise AssertionError(f"forms without end: {page[:300]}")


def read_until(process, pattern):
    text = ""
    while not re.search(pattern, text, re.M):
        line = process.stdout.readline()
        assert line, text
        text += line
    return re.search(pattern, text, re.M)[0]
