// What the JavaScript peers share: the runner's brief, a line a check, the simulator's control API.

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const WAIT_MS = 10_000;
const told = JSON.parse(readFileSync(0, 'utf8'));

/** What the runner tells: account, addresses, folders. See run.py. */
export const brief = told;
export const strangerPrivateKey = readFileSync(told.stranger_private_key_path, 'utf8');
export const strangerPublicKey = readFileSync(told.stranger_public_key_path, 'utf8');

/** Packages come from the peer's own environment, which does not lie beside this file. */
export const load = createRequire(join(told.modules_dir, 'package.json'));

/** The file that account.json names under `<name>_path`. */
export const read = (name) => readFileSync(told.account[`${name}_path`], 'utf8');

/** Call the simulator's control API. */
export async function control(method, path, body) {
  const response = await fetch(told.account.control_url + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** The money that the simulator says has really moved for a sale, in fen. */
export async function movedFen(orderNo) {
  const { rows } = await control('GET', `/ledger?order_no=${orderNo}`);
  return rows.reduce((sum, row) => sum + row.amount_fen, 0);
}

/** Where the simulator may send notices; each name is a box of its own. */
export const noticeUrl = (name) => `${told.inbox_url}/${name}`;

/** The first notice that came under this name: its headers by lower-case name, its body as text. */
export async function notice(name) {
  const [first] = await until(async () => {
    const found = await (await fetch(noticeUrl(name))).json();
    return found.length ? found : undefined;
  });
  const headers = Object.fromEntries(Object.entries(first.headers).map(([key, value]) => [key.toLowerCase(), value]));
  return { headers, body: Buffer.from(first.body, 'base64').toString('utf8') };
}

/** What `probe` answers as soon as that is something. */
export async function until(probe) {
  const end = Date.now() + WAIT_MS;
  while (Date.now() < end) {
    const found = await probe();
    if (found) return found;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  throw new Error(`nothing within ${WAIT_MS} ms`);
}

/** The text with the lowest bit of the first digit after `after` turned over: still well formed, no longer the same. */
export function flipped(text, after = '') {
  const start = text.indexOf(after) + after.length;
  const position = start + text.slice(start).search(/[0-9]/);
  return text.slice(0, position) + String.fromCharCode(text.charCodeAt(position) ^ 1) + text.slice(position + 1);
}

/** A named check: it holds unless something is thrown inside. */
export async function check(name, body) {
  try {
    await body();
    say({ check: name, passed: true });
  } catch (error) {
    say({ check: name, passed: false, detail: `${error.name}: ${error.message}` });
  }
}

/** Say that nothing was left out. */
export function finish() {
  say({ finished: true });
}

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
