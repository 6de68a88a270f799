// Asks the client in Node as lines say: number, API, token, UCC, session, agent, patience; answers number and true or false.
import { createInterface } from "node:readline";
import { Payment } from "../../examples/payment/payment.mjs";

for await (const line of createInterface({ input: process.stdin })) {
  const [number, api, token, ucc, session, agent, patience] = line.split("\t");
  new Payment(api, token).maySpeakTheNumber(ucc, session, agent, Number(patience)).then((may) => console.log(`${number}\t${may}`));
}
