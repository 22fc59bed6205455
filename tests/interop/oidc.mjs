// An OpenID provider over TLS: its URL is printed when it listens.
import fs from "node:fs";
import https from "node:https";
import { Provider } from "oidc-provider";

const [cert, key, port = "0"] = process.argv.slice(2);
const server = https.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) });
server.listen(+port, "127.0.0.1", () => {
  const url = `https://localhost:${server.address().port}`;
  const provider = new Provider(url, {
    clients: [
      { client_id: "person", token_endpoint_auth_method: "none", application_type: "native",
        redirect_uris: ["http://127.0.0.1"], response_types: ["code"],
        grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"] },
      { client_id: "machine", client_secret: "hidden: %/+", redirect_uris: [], response_types: [],
        grant_types: ["client_credentials"], scope: "smtp" },
      { client_id: "dovecot", client_secret: "asks", redirect_uris: [], response_types: [], grant_types: [] },
    ],
    scopes: ["openid", "offline_access", "smtp"],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: async () => true,
    features: { clientCredentials: { enabled: true }, deviceFlow: { enabled: true }, devInteractions: { enabled: true },
      introspection: { enabled: true }, revocation: { enabled: true }, registration: { enabled: true },
      registrationManagement: { enabled: true } },
    // A machine's token is for the mailbox that the client was registered for.
    extraTokenClaims: (ctx, token) => ({ username: token.accountId ?? ctx.oidc.client.clientName }),
    cookies: { keys: ["k"] },
    findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  });
  server.on("request", provider.callback());
  console.log(url);
});
