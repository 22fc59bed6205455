// npm's smtp-server as a provider: STARTTLS first, then a login, which may send only as its own
// address. Each recipient's copy becomes a file of a Maildir.
import fs from "node:fs";
import { SMTPServer } from "smtp-server";

const [address, domain, user, password] = process.argv.slice(2);
const directory = import.meta.dirname ?? ".";
const refusal = (responseCode, text) => Object.assign(new Error(text), { responseCode });
let copies = 0;

function keep(text, from, to) {
  const name = `${process.pid}.${copies++}`;
  const head = `Return-Path: <${from.address}>\nX-Original-To: ${to.address}\n`;
  fs.writeFileSync(`${directory}/${name}`, head + text.replaceAll("\r\n", "\n"), "latin1");
  fs.renameSync(`${directory}/${name}`, `${directory}/new/${name}`);
}

new SMTPServer({
  name: domain,
  key: fs.readFileSync(`/etc/tls/${domain}.key`),
  cert: fs.readFileSync(`/etc/tls/${domain}.pem`),
  onAuth(auth, session, done) {
    const known = auth.username === user && auth.password === password;
    done(known ? null : refusal(535, "wrong login"), { user: auth.username });
  },
  onMailFrom(from, session, done) {
    done(from.address === `${user}@${domain}` ? null : refusal(553, "not an address of this login"));
  },
  onData(stream, session, done) {
    const chunks = [];
    stream.on("data", (chunk) => chunks.push(chunk));
    stream.on("end", () => {
      const { mailFrom, rcptTo } = session.envelope;
      rcptTo.forEach((to) => keep(Buffer.concat(chunks).toString("latin1"), mailFrom, to));
      done();
    });
  },
}).listen(587, address);
