"""Programs that speak SMTP themselves, at the listener for the network: over TLS, with a login."""

import pytest

import caller
from programs import monit

PASSWORD = "correct horse"
INI = """\
[account reports]
from = reports@mail.test
host = mail.test
user = reports
password_file = /etc/onehop/reports.password

[service]
listen = 0.0.0.0:3587, 0.0.0.0:465
tls_cert_file = /etc/tls/fourth.test.pem
tls_key_file = /etc/onehop/fourth.test.key
users_file = /etc/onehop/users
"""

SMTPLIB = """\
import smtplib, ssl, sys
with smtplib.SMTP("fourth.test", 3587) as client:
    client.starttls(context=ssl.create_default_context())
    client.login("device", sys.argv[3])
    client.sendmail("device@client.lan", [sys.argv[1]], f"Subject: {sys.argv[2]}\\n\\none\\n")
"""

NODEMAILER = """\
const [to, subject, pass] = process.argv.slice(1);
require("/srv/node/node_modules/nodemailer")
  .createTransport({ host: "fourth.test", port: 3587, requireTLS: true, auth: { user: "device", pass } })
  .sendMail({ from: "device@client.lan", to, subject, text: "one" })
  .catch((why) => { console.error(why); process.exit(1); });
"""

PHPMAILER = """\
foreach (["Exception", "SMTP", "PHPMailer"] as $name) require "/usr/share/php/libphp-phpmailer/src/$name.php";
$mail = new PHPMailer\\PHPMailer\\PHPMailer(true);
$mail->isSMTP();
$mail->Host = "fourth.test";
$mail->Port = 3587;
$mail->SMTPSecure = "tls";
$mail->SMTPAuth = true;
$mail->Username = "device";
$mail->Password = $argv[3];
$mail->setFrom("device@client.lan");
$mail->addAddress($argv[1]);
$mail->Subject = $argv[2];
$mail->Body = "one";
$mail->send();
"""

LETTER = 'printf "From: device@client.lan\\nSubject: %s\\n\\none\\n" "$2" | '

# What sh is given, with recipient, subject and password.
CLIENTS = {
    "swaks": 'swaks --server fourth.test:3587 --tls-verify --tls --auth-user device --auth-password "$3" '
             '--from device@client.lan --to "$1" --h-Subject "$2" --body one',
    "swaks, LOGIN": 'swaks --server fourth.test:3587 --tls --auth LOGIN --auth-user device '
                    '--auth-password "$3" --from device@client.lan --to "$1" --h-Subject "$2" --body one',
    "curl": LETTER + 'curl -sS --ssl-reqd --user "device:$3" --mail-from device@client.lan --mail-rcpt "$1" '
                     '--upload-file - smtp://fourth.test:3587',
    "curl, port 465": LETTER + 'curl -sS --user "device:$3" --mail-from device@client.lan --mail-rcpt "$1" '
                               '--upload-file - smtps://fourth.test',
    "msmtp": LETTER + '/opt/msmtp --host=fourth.test --port=3587 --tls --auth=plain --user=device '
                      '--passwordeval="echo $3" --from=device@client.lan "$1"',
    "onehop": LETTER + 'onehop --host=fourth.test --port=3587 --tls --auth --user=device '
                       '--passwordeval="echo $3" --from=device@client.lan "$1"',
    "smtplib": f"/usr/bin/python3 -c '{SMTPLIB}' \"$@\"",
    "nodemailer": f"NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt node -e '{NODEMAILER}' \"$@\"",
    "PHPMailer": f"php -r '{PHPMAILER}' \"$@\"",
    # It begins with TLS on any port.
    "monit": monit('fourth.test port 465 username "device" password "$3" using ssl', "device@client.lan"),
}


@pytest.fixture(scope="module")
def network(callers):
    """The service, with a user whose line onehopctl made."""
    line = callers.run("onehopctl", "passwd", "device", input=PASSWORD + "\n").stdout
    callers.write("etc/onehop/users", line, 0o600)
    callers.write("etc/onehop/fourth.test.key", (callers.path / "etc/tls/fourth.test.key").read_text(), 0o600)
    service = caller.start_service(callers, "network", INI, 3587)
    yield callers
    service.terminate()
    service.wait(30)


def send(network, name, subject, password=PASSWORD):
    network.run("mkdir", "-p", "/tmp/network")
    return network.run("sh", "-ec", 'cd "$(mktemp -d /tmp/network/XXXXXX)"\n' + CLIENTS[name], "sh",
                       "alice@mail.test", subject, password, check=False)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_logs_in_and_sends(network, postfix, servers, name):
    if name == "nodemailer" and "at-node" not in servers:
        pytest.skip("NOT TESTED: no npm, or no registry")
    subject = f"network {list(CLIENTS).index(name)}."
    done = send(network, name, subject)
    assert done.returncode == 0, done.stdout + done.stderr
    message = postfix.wait(subject)
    assert message["Return-Path"] == "<reports@mail.test>"
    assert message.address("From") == "reports@mail.test" and message.text.startswith("one")
    assert any("(authenticated as device)" in field and "with ESMTPSA;" in field
               for field in message.header.get_all("Received"))


def test_a_wrong_password_is_refused_and_logged(network):
    done = send(network, "curl", "wrong.", "guess")
    assert done.returncode == 67, done.stderr  # CURLE_LOGIN_DENIED
    assert "failed login from 127.0.0.1, user device" in (network.path / "tmp/network.log").read_text()
