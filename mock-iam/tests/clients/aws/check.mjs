// The AWS SDK for JavaScript against the stack's STS: one line for each case.
import { readFileSync } from "node:fs";
import { AssumeRoleWithWebIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const manifest = new URL("node_modules/@aws-sdk/client-sts/package.json", import.meta.url);
const sdk = `sdk-js ${JSON.parse(readFileSync(manifest)).version}`;
// What the query protocol calls `InvalidIdentityToken`, the SDK raises as a class of this name.
const classes = { InvalidIdentityToken: "InvalidIdentityTokenException", AccessDenied: "AccessDenied" };
const client = new STSClient({ endpoint: process.env.AWS_ENDPOINT_URL_STS, maxAttempts: 1 });
let failed = false;
for (const [name, RoleArn, WebIdentityToken, expected] of JSON.parse(process.env.TOKENS)) {
  let raised = "-";
  let verdict;
  try {
    const answer = await client.send(
      new AssumeRoleWithWebIdentityCommand({ RoleArn, RoleSessionName: "check", WebIdentityToken }),
    );
    const sound = answer.Credentials.AccessKeyId.startsWith("ASIA") && answer.Credentials.Expiration > new Date();
    verdict = expected === "ok" && sound ? "pass" : "FAIL";
  } catch (error) {
    raised = error.name;
    verdict = error.name === (classes[expected] ?? expected) ? "pass" : `FAIL (${error.message})`;
  }
  failed ||= verdict !== "pass";
  console.log(`${sdk.padEnd(22)} ${name.padEnd(18)} ${expected.padEnd(26)} ${raised.padEnd(34)} ${verdict}`);
}
process.exit(failed ? 1 : 0);
