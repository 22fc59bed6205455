"""The programs that call sendmail, as a table: what is typed, and what must arrive. RESULTS fills the
table of doc/compatibility.md."""

import os
import select
import shlex

TEXT = "one\n.\n..\nFrom here on\n\nlast\n"
ONE_LINE = "one\n"  # what a program leaves of TEXT that ends at a lone dot

SERVERS = {
    "at-postfix": "Postfix",
    "at-dovecot": "Dovecot submission",
    "at-exim": "Exim",
    "at-opensmtpd": "OpenSMTPD",
    "at-node": "smtp-server",
}

PHP = "exit(mail($argv[1], $argv[2], stream_get_contents(STDIN)) ? 0 : 1);"

PHPMAILER = """\
foreach (["Exception", "PHPMailer"] as $name) require "/usr/share/php/libphp-phpmailer/src/$name.php";
$mail = new PHPMailer\\PHPMailer\\PHPMailer(true);
$mail->isSendmail();
$mail->setFrom("www-data@client.lan");
$mail->addAddress($argv[1]);
$mail->addBCC("reports@" . explode("@", $argv[1])[1]);
$mail->Subject = $argv[2];
$mail->Body = stream_get_contents(STDIN);
$mail->send();
"""

MIME_LITE = """\
my ($to, $subject) = @ARGV;
MIME::Lite->new(To => $to, Subject => $subject, Data => join("", <STDIN>))->send or die;
"""

MAIL_SEND = """\
my ($to, $subject) = @ARGV;
my $mail = Mail::Send->new(To => $to, Subject => $subject)->open("sendmail");
print $mail <STDIN>;
$mail->close or die;
"""

NODEMAILER = """\
const [to, subject] = process.argv.slice(1);
require("/srv/node/node_modules/nodemailer")
  .createTransport({ sendmail: true, path: "/usr/sbin/sendmail" })
  .sendMail({ from: "me@client.lan", to, bcc: "reports@" + to.split("@")[1], subject,
              text: require("fs").readFileSync(0, "utf8") })
  .catch((why) => { console.error(why); process.exit(1); });
"""

GIT = """\
mkdir repo && cd repo && git init -q .
git config user.name Me && git config user.email me@client.lan
echo one >file && git add file && git commit -qm "$2"
git send-email -q --smtp-server=/usr/sbin/sendmail --confirm=never --suppress-cc=all --to="$1" -1
"""

ALPINE = """\
printf 'default-fcc=""\\nsendmail-path=\\nuser-domain=client.lan\\n' >pinerc
exec alpine -p pinerc -passfile /dev/null -url "mailto:$1?subject=$2&body=one"
"""

# Its file of accounts must be closed to others.
AERC = """\
umask 077; mkdir -p ~/.config/aerc mail/INBOX/new mail/INBOX/cur mail/INBOX/tmp
printf '[me]\\nsource = maildir://%s/mail\\noutgoing = /usr/sbin/sendmail\\nfrom = Me <me@client.lan>\\n' \\
    "$PWD" >~/.config/aerc/accounts.conf
printf '[compose]\\neditor = true\\n' >~/.config/aerc/aerc.conf
exec aerc
"""

REPORTBUG = """\
echo one >body
exec reportbug --no-config-files --mta=/usr/sbin/sendmail --email=me@client.lan --realname=Me \\
    --offline --no-query-bts --no-check-installed --no-check-available --no-bug-script --no-debconf \\
    --no-verify --no-cc-menu --no-compress --severity=minor --tag=none --mode=expert --ui=text \\
    --subject="$2" --body-file=body coreutils
"""

ANACRON = """\
mkdir anacron
printf 'SHELL=/bin/sh\\nMAILTO=%s\\n1 0 %s echo one\\n' "$1" "$2" >anacrontab
anacron -d -f -n -t anacrontab -S anacron
"""

ZED = """\
. /opt/zed/etc/zfs/zed.d/zed-functions.sh
echo one >body
ZED_EMAIL_ADDR=$1; ZED_LOGGER=true
zed_notify_email "$2" body
"""


def monit(mailserver, sender):
    """monit speaks SMTP itself, about a file that is not there."""
    return f"""\
cat >monitrc <<END
set mailserver {mailserver}
set mail-format {{ from: {sender}
  subject: $2
  message: one }}
set alert $1
check file nothing with path /does/not/exist
END
chmod 600 monitrc
monit -c monitrc -p "$PWD/pid" -s "$PWD/state"
"""


class Program:
    """script: for sh, with recipient and mark as $1 and $2, and TEXT on its input. The mark is for the
    subject, or else the text.
    text: what arrives of TEXT. to: the recipients. root: it runs as root.
    dialogue: what is waited for at its terminal, and what is typed then."""

    def __init__(self, script, text=TEXT, to=("bob@{domain}",), root=False, dialogue=()):
        self.script, self.text, self.to, self.root, self.dialogue = script, text, to, root, dialogue

    def recipients(self, domain):
        return sorted(address.format(domain=domain) for address in self.to)

    def start(self, machine, user, domain, mark):
        """In a directory of its own below the user's home; root has one with the user's configuration.
        A program that talks is returned as a process that may not have ended."""
        home = f"/srv/{user}" if self.root else f"/home/{user}"
        script = f'mkdir "{home}/$2"; cd "{home}/$2"\n{self.script}'
        words = ["env", f"HOME={home}", "TERM=xterm", "sh", "-ec", script, "sh", f"bob@{domain}", mark]
        user = None if self.root else user
        if not self.dialogue:
            machine.run(*words, user=user, input=TEXT)
            return None
        process = machine.open("script", "-qec", "stty rows 40 cols 100; exec " + shlex.join(words),
                               "/dev/null", user=user)
        for awaited, typed in self.dialogue:
            read_until(process.stdout, awaited.encode())
            process.stdin.write(typed.format(to=f"bob@{domain}", mark=mark).encode())
            process.stdin.flush()
        return process


def read_until(stream, awaited, patience=60):
    seen = b""
    while awaited not in seen:
        ready, _, _ = select.select([stream], [], [], patience)
        more = os.read(stream.fileno(), 65536) if ready else b""
        assert more, f"{awaited} does not come: {seen[-2000:]}"
        seen += more


def with_arguments(interpreter, program):
    return f"{interpreter} '{program}' -- \"$@\""


TWO = ("bob@{domain}", "reports@{domain}")

PROGRAMS = {
    "PHP mail()": Program(with_arguments("php -r", PHP)),
    "PHPMailer, isSendmail()": Program(with_arguments("php -r", PHPMAILER), to=TWO),
    "nodemailer": Program(with_arguments("node -e", NODEMAILER), to=TWO),
    "MIME::Lite": Program(with_arguments("perl -MMIME::Lite -e", MIME_LITE)),
    "Mail::Send": Program(with_arguments("perl -MMail::Send -e", MAIL_SEND)),
    "bsd-mailx": Program('bsd-mailx -s "$2" "$1"', text=ONE_LINE),
    "GNU mailutils": Program('mail.mailutils -s "$2" "$1"', text=ONE_LINE),
    "s-nail": Program('s-nail -s "$2" "$1"'),
    "mutt": Program('mutt -s "$2" -- "$1"'),
    "alpine (-bs)": Program(ALPINE, text="one", dialogue=[("To Spell", "\x18"), ("Send message", "y")]),
    "aerc": Program(AERC, text="one", dialogue=[
        ("INBOX", ':compose -H "To: {to}" -H "Subject: {mark}" one\r'), ("Send", "y")]),
    "swaks (-bs)": Program('swaks --pipe "/usr/sbin/sendmail -bs" -f me@client.lan -t "$1"'
                           ' --header "Subject: $2" --body -'),
    "git send-email": Program(GIT, text="+one\n"),
    "reportbug": Program(REPORTBUG, text="one\n", to=("submit@bugs.debian.org", "me@client.lan"),
                         dialogue=[("blank OK", "\n")]),
    "cron": Program("", text="one\n"),
    "at": Program('echo "echo one; echo $2" | at -m now', text="one\n"),
    "anacron": Program(ANACRON, text="one\n"),
    "logwatch": Program('logwatch --range all --service dpkg --hostname "$2" --output mail --mailto "$1"',
                        text="Logwatch", root=True),
    "mdadm": Program('mdadm --monitor --oneshot --test --mail="$1" "/dev/$2"', text="TestMessage",
                     root=True),
    "smartd": Program('/usr/share/smartmontools/smartd-runner -s "$2" "$1"', text=ONE_LINE, root=True),
    "zed": Program(ZED, text="one\n", root=True),
    # At our service, where its sender chooses the account.
    "monit (SMTP)": Program(monit("127.0.0.1 port 25", 'monit@$(basename "$HOME").lan'), text="one", root=True),
}
RESULTS = {}  # by program and user


def note(name, faults):
    """Faults of a program by user, empty where it was right."""
    RESULTS.update({(name, user): "no" if fault else "yes" for user, fault in faults.items()})
    assert not any(faults.values()), "\n".join(filter(None, faults.values()))


def table():
    """As in doc/compatibility.md."""
    def row(*cells):
        return "| " + " | ".join(cells) + " |"

    lines = [row("caller", *SERVERS.values()), "|---" * (len(SERVERS) + 1) + "|"]
    for name in PROGRAMS:
        if any((name, user) in RESULTS for user in SERVERS):
            lines.append(row(name, *(RESULTS.get((name, user), "") for user in SERVERS)))
    return "\n".join(lines)
