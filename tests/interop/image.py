"""What a container engine makes of a Dockerfile and of one service of a compose file, as far as ours
go, with chroot and namespaces: the commands are those of the files."""

import json
import pathlib
import re
import shutil
import subprocess

from root import ENVIRONMENT, Root

STAGE = re.compile(r"(\S+)(?: AS (\S+))?")

# Read-only but for volumes and /tmp; the process that this becomes is number 1.
ENGINE = """set -e
mount --make-rprivate /
volumes=$1 user=$2
shift 2
for volume in $volumes; do
    place=$0${volume#*:}
    place=${place%:ro}
    [ -e "$place" ] || mkdir -p "$place"
    mount --bind "${volume%%:*}" "$place"
    [ "$volume" = "${volume%:ro}" ] || mount -o remount,ro,bind "$place"
done
mount -t proc proc "$0/proc"
mount -o remount,ro,bind "$0"
exec chroot "$0" setpriv --reuid="${user%:*}" --regid="${user#*:}" --clear-groups --bounding-set=-all \\
    --inh-caps=-all --no-new-privs -- "$@"
"""


def instructions(path):
    """(word, arguments) of each, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", pathlib.Path(path).read_text(), flags=re.M)
    for line in re.sub(r"\\\n", "", text).splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            yield word, rest.strip()


class Image:
    """A stage that was built: a root, and how a container of it runs."""

    def __init__(self, name, root, inherited=None):
        self.name, self.root = name, root
        self.user, self.directory, self.volumes, self.command, self.health = "root", "/", [], [], []
        if inherited:
            vars(self).update({**vars(inherited), "name": name, "root": root})


class Builder:
    def __init__(self, base, dockerfile, context, lower):
        self.base, self.context, self.lower, self.images = base, context, lower, {}
        stages = []
        for word, rest in instructions(dockerfile):
            if word == "FROM":
                stages.append((rest, []))
            elif stages:
                stages[-1][1].append((word, rest))
        for head, body in stages:
            self.build(*STAGE.fullmatch(head).groups(), body)

    def build(self, parent, name, body):
        above = self.images.get(parent)
        lower = str(above.root.path) if above else self.lower  # for BASE this machine's release
        assert above or parent == "${BASE}", parent
        image = self.images[name] = Image(name, Root(self.base, f"image-{name}", lower), above)
        arguments = {}
        for word, rest in body:
            for key, value in arguments.items():
                rest = rest.replace(f"${{{key}}}", value)
            if word == "ARG":
                key, _, value = rest.partition("=")
                arguments[key] = value
            else:
                getattr(self, word.lower())(image, rest)

    def run(self, image, rest):
        assert image.user == "root"
        image.root.run("env", "-C", image.directory, "sh", "-c", rest, timeout=300)

    def copy(self, image, rest):
        *options, source, target = rest.split()
        place = image.root.path / target.lstrip("/")
        if options:
            stage, = options
            source = self.images[stage.removeprefix("--from=")].root.path / source.strip("/")
            subprocess.run(["cp", "-a", f"{source}/.", place], check=True)
        else:
            assert source == "."
            shutil.copytree(self.context, place, symlinks=True)

    def workdir(self, image, rest):
        image.directory = rest

    def user(self, image, rest):
        image.user = rest

    def volume(self, image, rest):
        image.volumes = json.loads(rest)

    def cmd(self, image, rest):
        image.command = json.loads(rest)

    def healthcheck(self, image, rest):
        image.health = json.loads(rest.partition("CMD ")[2])


class Volume:
    """A directory that is at first what the image has in its place, as a named volume is."""

    def __init__(self, base, name, image, place):
        self.path = pathlib.Path(base) / "volumes" / name
        self.path.parent.mkdir(exist_ok=True)
        subprocess.run(["cp", "-a", image.root.path / place.lstrip("/"), self.path], check=True)


class Container:
    """A process in a container of IMAGE: its COMMAND, or the image's."""

    def __init__(self, image, volumes, environment=(), command=None, user=None):
        self.image, self.log = image, image.root.path.parent / "log"
        self.user = user or image.user
        if ":" not in self.user:
            self.user += ":" + self.user
        self.environment = {**ENVIRONMENT, **dict(environment)}
        pairs = " ".join(f"{source}:{place}" for source, place in volumes)
        with open(self.log, "ab") as out:
            self.engine = subprocess.Popen(
                ["unshare", "-mpf", "--kill-child", "sh", "-c", ENGINE, image.root.path, pairs, self.user,
                 *(command or image.command)], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env=self.environment)

    @property
    def process(self):
        children = f"/proc/{self.engine.pid}/task/{self.engine.pid}/children"
        return int(pathlib.Path(children).read_text().split()[0])

    def execute(self, *command):
        """What runs in it beside its process, as a health check does."""
        user, group = self.user.split(":")
        return subprocess.run(
            ["nsenter", f"--target={self.process}", "--mount", "--pid", "chroot", self.image.root.path, "setpriv",
             f"--reuid={user}", f"--regid={group}", "--clear-groups", *command],
            capture_output=True, text=True, timeout=60, env=self.environment)

    def said(self):
        return self.log.read_text()
