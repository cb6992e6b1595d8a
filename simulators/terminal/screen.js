// The till's screen. It knows the product by /api/v1 only; what cannot be sent now is kept and sent once, also days later.
import { STATES, TEXTS } from "/texts.js";

const GOODS = [["AF-4L", "空气炸锅 4L", 26800], ["TW-12", "洗衣液 2kg", 3980], ["SN-01", "坚果礼盒", 8800],
  ["UM-02", "雨伞", 5900]];
const FINAL = new Set(["refunded", "follow_up", "closed", "rejected", "cancelled", "failed", "partially_refunded"]);
const RESTING = new Set([...FINAL, "in_review", "needs_info", "waiting_goods", "manual_pending"]);
const DEVICES = ["display", "keyboard", "printer"];
const FLUSH_MS = 3000, POLL_MS = 1000, BEAT_MS = 60000, ASK_MS = 6000, ASKED_FOR_MS = 24 * 3600 * 1000;
// The product gives a first answer again for a day; what may have arrived before that is looked for instead.
const REMEMBERED_MS = 23 * 3600 * 1000;

const $ = (id) => document.getElementById(id);
const kept = (name, usual) => JSON.parse(localStorage.getItem(name) ?? "null") ?? usual;
const keep = (name, value) => localStorage.setItem(name, JSON.stringify(value));
const yuan = (fen) => (fen / 100).toFixed(2);
const fen = (text) => /^\d{1,9}(\.\d{1,2})?$/.test(text.trim()) ? Math.round(Number(text) * 100) : 0;
let language = kept("language", "zh"), till = null, policy = null, sale = fresh(), refund = null;
let flushing = false, learnt = false, shift = null, finds = 0, quotes = 0, watched = 0;
const t = (name) => TEXTS[name]?.[language === "zh" ? 0 : 1] ?? name;

function fresh() { return { orderNo: "", lines: [], paid: [], tries: 0 }; }
function el(tag, text = "", more = {}) { return Object.assign(document.createElement(tag), { textContent: text, ...more }); }
function press(text, onclick, id) { return el("button", text, { type: "button", onclick, ...(id && { id }) }); }
function row(text, ...buttons) {
  const line = el("li"); line.append(el("span", text), ...buttons); return line;
}

// --- what is told: text always, voice where there is one ------------------------------------------------------------

function say(title, { cause = "", remedy = "", note = "", bad = false, more = [] } = {}) {
  const box = $("said");
  box.replaceChildren(el("h2", title));
  if (cause) box.append(el("p", `${t("cause")}：${cause}`));
  if (remedy) box.append(el("p", `${t("remedy")}：${remedy}`));
  if (note) box.append(el("p", note));
  box.append(...more);
  box.classList.toggle("bad", bad);
  box.hidden = false;
  speak([title, cause, remedy].filter(Boolean).join("。"));
}
function speak(text) {
  if (!$("voice").checked || !("speechSynthesis" in window)) return;
  speechSynthesis.cancel();
  speechSynthesis.speak(Object.assign(new SpeechSynthesisUtterance(text), { lang: language === "zh" ? "zh-CN" : "en-US" }));
}
function wordsOf(problem) {
  const errors = (problem.errors ?? []).map((one) => one.message).join(" ");
  const broken = (problem.verdict?.rules ?? []).filter((rule) => !rule.passed).map((rule) => rule.explanation).join(" ");
  const cause = [problem.title, errors, broken].filter(Boolean).join(" ");
  return { cause, remedy: problem.message === problem.title ? "" : problem.message };
}
function sayProblem(problem) { say(t("refused"), { ...wordsOf(problem), bad: true }); }
function sold(sale) {
  const image = el("img", "", { src: `/qr?text=${encodeURIComponent(sale.apply_url)}`, alt: sale.apply_url, width: 160 });
  const printed = $("device-printer").checked;
  if (!printed) keep("missing_slips", kept("missing_slips", 0) + 1);
  say(t("sold"), {
    cause: printed ? "" : t("no_printer"),
    remedy: printed ? "" : t("show_code"),
    note: `${t("number")} ${sale.order_no}`,
    more: [image, el("p", t("receipt"), { className: "soft" })],
  });
}

// --- the line -------------------------------------------------------------------------------------------------------

class NoLine extends Error {}

async function call(method, path, body, key) {
  if ($("cut").checked) throw new NoLine();
  const headers = { "Accept-Language": language === "zh" ? "zh-Hans" : "en" };
  if (body) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  let reply, data;
  try {
    reply = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
    data = await reply.json();
  } catch { throw new NoLine(); }
  // A proxy's word, a restart, a key being replaced, too many calls, or the first of two still running: nothing is decided.
  if ([401, 429, 500, 502, 503, 504].includes(reply.status) || data.code === "busy") throw new NoLine();
  return { status: reply.status, ok: reply.ok, data };
}
const get = (path) => call("GET", `/api/v1/${path}`);
const post = (path, body, key) => call("POST", `/api/v1/${path}`, body, key);

// Kept before it is sent: neither a reload nor a cut between sending and hearing loses it or makes two of it.
function enqueue(path, body, label, key = crypto.randomUUID()) {
  const entry = { key, path, body, label, at: Date.now(), triedAt: 0 };
  keep("queue", [...kept("queue", []), entry]);
  return entry;
}
function change(key, entry) {
  keep("queue", kept("queue", []).flatMap((one) => one.key === key ? (entry ? [entry] : []) : [one]));
}
async function deliver(entry) {
  if (entry.triedAt && Date.now() - entry.triedAt > REMEMBERED_MS) {
    const found = await arrived(entry);
    if (found) { change(entry.key, null); return { status: 200, ok: true, data: found, already: true }; }
  }
  // Written down first: from here on it may have arrived.
  if (!entry.triedAt && !$("cut").checked) change(entry.key, entry = { ...entry, triedAt: Date.now() });
  const answer = await post(entry.path, entry.body, entry.key);
  change(entry.key, null);
  return answer;
}
async function arrived({ path, body, triedAt }) {
  if (path !== "refund-requests") return null; // a sale is known again by its payment
  const after = encodeURIComponent(new Date(triedAt - 60000).toISOString());
  const one = body.order_no ? null : await get(`transactions/${body.transaction}`);
  const orderNo = encodeURIComponent(body.order_no ?? one.data.order_no);
  const listed = await get(`refund-requests?order_no=${orderNo}&created_after=${after}&limit=200`);
  const same = (row) => row.amount_fen === body.amount_fen && row.reason === body.reason;
  const found = (listed.data.results ?? []).find(same);
  return found ? (await get(`refund-requests/${found.id}`)).data : null;
}
async function flush() {
  if (flushing || !kept("queue", []).length) return showQueue();
  flushing = true;
  // One screen at a time, were the till opened twice.
  await navigator.locks.request("queue", async () => {
    for (const entry of kept("queue", [])) {
      try {
        const answer = await deliver(entry);
        keepOutcome(entry, answer);
        if (!answer.ok) sayProblem(answer.data);
        else if (entry.path === "refund-requests") { tell(answer.data, answer.already); follow(answer.data.id, answer.data.state); }
        else if (answer.data.status === "pending") heard(answer.data);
        else sold(answer.data);
      } catch (error) {
        if (!(error instanceof NoLine)) throw error;
        break; // in order: a refund does not overtake its sale
      }
    }
  }).finally(() => { flushing = false; });
  showQueue();
}
async function submit(path, body, label, key) {
  const entry = enqueue(path, body, label, key);
  await navigator.locks.request("queue", async () => {}); // what is under way ends first
  await flush();
  if (kept("queue", []).some((one) => one.key === entry.key)) say(t("kept"), { cause: t("kept_why") });
}
// What became of each, also of twenty that went out at once while nobody looked: one that was not taken stays until it is read.
function keepOutcome(entry, { ok, data }) {
  const { cause, remedy } = ok ? { cause: data.number ?? data.order_no, remedy: "" } : wordsOf(data);
  const state = ok && entry.path === "refund-requests" ? data.state : "";
  const outcomes = [{ key: entry.key, label: entry.label, at: entry.at, bad: !ok, state, cause, remedy }, ...kept("sent", [])];
  let good = 0;
  keep("sent", outcomes.filter((one) => one.bad || ++good <= 30));
}
function showQueue() {
  const waiting = kept("queue", []), sent = kept("sent", []), refused = sent.filter((one) => one.bad).length;
  $("refused").hidden = !refused;
  $("refused").textContent = `${refused} ${t("not_taken")}`;
  $("sent").replaceChildren(...sent.map((one) => {
    const state = STATES[one.state]?.[language === "zh" ? 0 : 1] ?? (one.bad ? t("refused") : t("sold"));
    const words = [one.label, new Date(one.at).toLocaleString(), state, one.cause, one.remedy].filter(Boolean).join(" · ");
    const read = () => { keep("sent", kept("sent", []).filter((other) => other.key !== one.key)); showQueue(); };
    const line = row(words, ...(one.bad ? [press(t("understood"), read)] : []));
    line.classList.toggle("bad", one.bad);
    return line;
  }));
  $("waiting").textContent = waiting.length;
  $("queued").replaceChildren(...waiting.map((one) => row(`${one.label} · ${new Date(one.at).toLocaleString()}`)));
}
async function heartbeat() {
  const checks = Object.fromEntries(DEVICES.map((name) => [name, $(`device-${name}`).checked]));
  const body = { version: till.version, checks, missing_slips: kept("missing_slips", 0), store: till.store };
  try { await post(`terminals/${encodeURIComponent(till.terminal)}/heartbeat`, body); line(true); } catch { line(false); }
}
function line(up) { $("line").textContent = up ? t("online") : t("offline"); }

// --- sale -----------------------------------------------------------------------------------------------------------

function total() { return sale.lines.reduce((sum, one) => sum + one.amount_fen, 0); }
function rest() { return total() - sale.paid.reduce((sum, one) => sum + one.amount_fen, 0); }
function add([sku, name, price]) {
  if (sale.paid.length) return;
  const line = sale.lines.find((one) => one.sku === sku);
  if (line) { line.quantity += 1; line.amount_fen += price; }
  else sale.lines.push({ sku, name, quantity: 1, unit_price_fen: price, amount_fen: price });
  showSale();
}
function showSale() {
  $("cart").replaceChildren(...sale.lines.map((one) => row(`${one.name} × ${one.quantity} · ${yuan(one.amount_fen)}`)));
  $("total").textContent = yuan(total());
  $("pay-amount").value = rest() ? yuan(rest()) : "";
  $("payments").replaceChildren(...sale.paid.map((one) => row(`${t(one.channel)} · ${yuan(one.amount_fen)}`)));
}
async function pay(event) {
  event.preventDefault();
  const amount = fen($("pay-amount").value), channel = $("pay-channel").value;
  const button = $("pay").querySelector("button");
  if (button.disabled) return;
  if (!amount || amount > rest()) return say(t("payment_failed"), { remedy: `${t("rest")} ${yuan(rest())}`, bad: true });
  // To a channel an order is one payment.
  if (channel !== "cash" && sale.paid.some((one) => one.channel === channel))
    return say(t("payment_failed"), { remedy: t("other_means"), bad: true });
  button.disabled = true;
  sale.orderNo ||= `${till.terminal}-${Date.now()}`;
  const payment = { channel, amount_fen: amount, order_no: sale.orderNo };
  // A channel takes a number once: a further try, after one without an answer, has one of its own.
  const number = sale.orderNo, own = sale.tries++ ? `${number}-${sale.tries}` : number;
  const isFirst = !sale.paid.length, phone = $("pay-phone").value.trim();
  const reported = { ...payment, payment_no: own, order_amount_fen: total(), store: till.store, terminal: till.terminal,
    cashier: $("ask-cashier").value, lines: isFirst ? sale.lines : [] };
  if (phone) reported.payer = { phone };
  let reply = null, taken;
  try {
    reply = await fetch("/payments", { method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...payment, order_no: own, answer: $("mute").checked ? "lost" : "" }) });
    taken = await reply.json();
  } catch { reply = null; } finally { button.disabled = false; }
  if (channel !== "cash" && (!reply || reply.status === 504)) {
    const unheard = { payment_no: own, order_no: number, channel, amount_fen: amount, at: Date.now(), key: crypto.randomUUID() };
    keep("unheard", [...kept("unheard", []), unheard]);
    const pending = { ...reported, status: "pending", paid_at: new Date().toISOString() };
    await submit("transactions", pending, `${t("sale")} ${own} ${yuan(amount)}`);
    return say(t("unheard"), { cause: t("unheard_why"), remedy: t("unheard_todo") });
  }
  if (!reply?.ok) return say(t("payment_failed"), { remedy: t("try_again"), bad: true });
  sale.paid.push(payment);
  // The next customer is another one.
  if (!rest()) { sale = fresh(); $("pay-phone").value = ""; }
  showSale();
  await submit("transactions", { ...reported, ...taken }, `${t("sale")} ${number} ${yuan(amount)}`);
  if (rest()) say(t("rest"), { note: yuan(rest()) });
}

// --- payments of which the till heard nothing: asked about until it is known, and given back where another was taken -----

function heard(known) {
  keep("unheard", kept("unheard", []).map((one) => one.payment_no === known.payment_no ? { ...one, id: known.id } : one));
}
function forget(entry) { keep("unheard", kept("unheard", []).filter((one) => one.key !== entry.key)); }
async function askAbout(entry) {
  const { data } = await post(`transactions/${entry.id}/trade-queries`, {});
  if (!["paid", "finished"].includes(data.outcome)) {
    if (data.outcome === "closed" || Date.now() - entry.at > ASKED_FOR_MS) forget(entry);
    return;
  }
  if (sale.orderNo === entry.order_no && entry.amount_fen <= rest()) {
    forget(entry);
    sale.paid.push({ channel: entry.channel, amount_fen: entry.amount_fen, order_no: entry.order_no });
    if (!rest()) sale = fresh();
    showSale();
    return say(t("was_paid"), { note: `${t("number")} ${entry.order_no}` });
  }
  const body = { transaction: entry.id, amount_fen: entry.amount_fen, reason: "duplicate_charge", route: "original",
    cashier: $("ask-cashier").value };
  const sent = submit("refund-requests", body, `${t("twice")} ${entry.order_no} ${yuan(entry.amount_fen)}`, entry.key);
  forget(entry); // it stands in the queue by now, under the key that it keeps
  await sent;
}
async function settle() {
  await navigator.locks.request("unheard", async () => {
    for (const entry of kept("unheard", []).filter((one) => one.id)) await askAbout(entry);
  }).catch((error) => { if (!(error instanceof NoLine)) throw error; });
}

// --- refund ---------------------------------------------------------------------------------------------------------

async function find(event) {
  event.preventDefault();
  // What was found before goes at once: who types on into it would lose it to the answer that is still to come.
  const turn = ++finds;
  quotes += 1;
  $("said").hidden = $("ask").hidden = true;
  $("found").replaceChildren();
  const number = $("order-no").value.trim(), query = new URLSearchParams();
  if (number) query.set("order_no", number);
  const facts = { amount_fen: fen($("fact-amount").value) || "", phone_last4: $("fact-phone").value.trim(),
    card_last4: $("fact-card").value.trim() };
  for (const [name, value] of Object.entries(number ? {} : facts)) if (value) query.set(name, value);
  const day = number ? "" : $("fact-day").value;
  if (day) {
    query.set("paid_after", `${day}T00:00:00+08:00`);
    query.set("paid_before", new Date(Date.parse(`${day}T00:00:00+08:00`) + 86400000).toISOString());
  }
  query.set("store", till.store);
  try {
    const answer = await get(`transactions?${query}`);
    if (turn !== finds) return;
    if (!answer.ok) return sayProblem(answer.data);
    const sales = answer.data.results;
    if (!sales.length) return say(t("nothing_found"), { remedy: t("check_number"), bad: true });
    $("found").replaceChildren(...sales.map((one) => row(
      `${one.order_no} · ${t(one.channel)} · ${yuan(one.amount_fen)} · ${t("left")} ${yuan(one.refundable_fen)}`,
      press(t("choose"), () => ask({ transaction: one.id }, one.order_no, one.refundable_fen)))));
    const left = sales.reduce((sum, one) => sum + one.refundable_fen, 0);
    if (number) ask(sales.length > 1 ? { order_no: number, store: till.store } : { transaction: sales[0].id }, number, left);
  } catch (error) {
    if (!(error instanceof NoLine)) throw error;
    if (turn !== finds) return;
    if (!number) return say(t("offline"), { remedy: t("scan"), bad: true });
    ask({ order_no: number, store: till.store }, number, 0);
    say(t("offline"), { cause: t("offline_order") });
  }
}
function ask(of, orderNo, left) {
  refund = { of, orderNo };
  quotes += 1;
  $("ask-title").textContent = `${t("refund")} ${orderNo}`;
  $("ask-amount").value = left ? yuan(left) : "";
  $("ask-reason").value = "";
  $("ask").hidden = false;
  $("ask-amount").focus();
}
async function confirm(event) {
  event.preventDefault();
  const amount = fen($("ask-amount").value), phone = $("ask-phone").value.trim();
  if (!amount) return;
  const turn = ++quotes;
  const body = { ...refund.of, amount_fen: amount, reason: $("ask-reason").value, route: $("ask-route").value,
    description: $("ask-description").value.trim(), cashier: $("ask-cashier").value };
  if (phone) body.customer = { phone, locale: language === "zh" ? "zh-Hans" : "en" };
  const reason = `${t("reason")}：${$("ask-reason").selectedOptions[0].textContent}`;
  let verdict = "";
  try {
    const quote = await post("refund-quotes", body);
    // What was asked for meanwhile, or another sale, is not what this answer is about.
    if (turn !== quotes) return;
    if (!quote.ok) return sayProblem(quote.data);
    const broken = quote.data.verdict.rules.filter((rule) => !rule.passed).map((rule) => rule.explanation);
    if (broken.length) verdict = `${t("in_words")}：${broken.join(" ")}`;
  } catch (error) {
    if (!(error instanceof NoLine)) throw error;
    if (turn !== quotes) return;
  }
  refund.body = body;
  $("consent-amount").textContent = `¥ ${yuan(amount)}`;
  $("consent-reason").textContent = reason;
  $("consent-verdict").textContent = verdict;
  $("consent").showModal();
  speak(`${t("customer_asked")} ${$("consent-amount").textContent} ${$("consent-reason").textContent}`);
}
async function agreed() {
  $("consent").close();
  const { body, orderNo } = refund;
  $("ask").hidden = true; $("found").replaceChildren(); $("find").reset();
  $("ask-phone").value = $("ask-description").value = "";
  // Only here: the customer has seen amount and reason and has pressed the button.
  await submit("refund-requests", { ...body, customer_consent: true }, `${t("refund")} ${orderNo} ${yuan(body.amount_fen)}`);
}

function tell(request, already = false) {
  const [zh, en, tone, todo, todoEn] = STATES[request.state] ?? [request.state, request.state, "", "", ""];
  const failure = (request.executions ?? []).findLast((one) => one.failure)?.failure;
  const broken = request.state === "in_review"
    ? (request.verdict?.rules ?? []).filter((rule) => !rule.passed).map((rule) => rule.explanation).join(" ") : "";
  const isPaid = ["refunded", "follow_up", "closed"].includes(request.state);
  const by = isPaid || tone ? "" : new Date(request.expected_arrival?.latest_at ?? NaN).toLocaleString();
  const more = [el("p", `${request.number} · ¥ ${yuan(request.approved_fen ?? request.amount_fen)}`, { className: "soft" })];
  if (already) more.push(el("p", t("already")));
  if (by && !by.startsWith("Invalid")) more.push(el("p", `${t("arrives")} ${by}`));
  if (request.state === "in_review")
    more.push(press(t("ask_manager"), () => authorise(request), "ask-manager"));
  const why = request.state === "failed" ? failure : null;
  say(language === "zh" ? zh : en, {
    cause: why?.message || request.message_to_customer || broken,
    remedy: why?.remedy || (language === "zh" ? todo : todoEn),
    bad: tone === "bad",
    more,
  });
}
// One thing is watched at a time. An answer that comes after something else was begun says nothing any more: it would take the
// code that a manager is about to scan off the screen.
function later(look) {
  const turn = ++watched;
  setTimeout(() => { if (turn === watched) look(() => turn === watched); }, POLL_MS);
}
// Until it rests, and then no more: the screen is free for the next customer.
function follow(id, seen = "") {
  later(async (isWanted) => {
    try {
      const { data } = await get(`refund-requests/${id}`);
      if (!isWanted()) return;
      if (data.state !== seen) tell(data);
      if (!RESTING.has(data.state)) follow(id, data.state);
    } catch (error) {
      if (!(error instanceof NoLine)) throw error;
      if (isWanted()) follow(id, seen);
    }
  });
}

// --- authorisation by scan ------------------------------------------------------------------------------------------

async function authorise(request) {
  const turn = ++watched;
  try {
    // What was negotiated with the customer meanwhile is what may be approved.
    const amount = request.agreements?.findLast((one) => one.amount_fen)?.amount_fen ?? request.amount_fen;
    const asked = { terminal: till.terminal, version: request.version, amount_fen: amount };
    const made = await post(`refund-requests/${request.id}/till-authorisations`, asked, crypto.randomUUID());
    // Pressed twice, it is one code: that of the last press.
    if (turn !== watched) return;
    if (!made.ok) return sayProblem(made.data);
    const image = el("img", "", { src: `/qr?text=${encodeURIComponent(made.data.url)}`, alt: made.data.url, width: 240 });
    say(t("scan_now"), { more: [image, el("p", made.data.url, { className: "soft", id: "scan-url" })] });
    hear(request, made.data, "waiting");
  } catch (error) {
    if (!(error instanceof NoLine)) throw error;
    say(t("offline"), { remedy: t("try_again"), bad: true });
  }
}
function hear(request, made, seen) {
  later(async (isWanted) => {
    try {
      const { data } = await get(`refund-requests/${request.id}/till-authorisations/${made.id}`);
      if (!isWanted()) return;
      if (data.state === "decided" || data.request_state !== "in_review") return follow(request.id);
      if (data.state === "expired") {
        const { data: now } = await get(`refund-requests/${request.id}`);
        if (!isWanted()) return;
        const again = press(t("ask_manager"), () => authorise(now), "ask-manager");
        return say(t("scan_over"), { remedy: t("scan_again"), bad: true, more: [again] });
      }
      if (data.state === "opened" && seen !== "opened") say(t("scan_opened"), { cause: data.opened_by });
      hear(request, made, data.state);
    } catch (error) {
      if (!(error instanceof NoLine)) throw error;
      if (isWanted()) hear(request, made, seen);
    }
  });
}

// --- the shift (交班) -------------------------------------------------------------------------------------------------

function figures(title, rows) {
  const tender = (one) => `${t(one.tender)} × ${one.count} · ${yuan(one.amount_fen)}`;
  const state = (one) => (STATES[one.state] ? ` · ${STATES[one.state][language === "zh" ? 0 : 1]}` : "");
  return rows.map((one) => row(`${title} · ${tender(one)}${state(one)}`));
}
async function showShift() {
  const id = kept("shift", null);
  try {
    const answer = id && await get(`shifts/${id}`);
    shift = answer?.ok && !answer.data.closed_at ? answer.data : null;
  } catch (error) { if (!(error instanceof NoLine)) throw error; return; }
  $("begin").hidden = Boolean(shift); $("close").hidden = !shift;
  if (!shift) return;
  const money = (name, value) => row(`${t(name)} · ${yuan(value)}`);
  $("standing").replaceChildren(row(`${t("opened")} · ${new Date(shift.opened_at).toLocaleString()} · ${shift.opened_by}`),
    money("float", shift.float_fen), money("cash_sales", shift.cash_sales_fen), money("cash_refunds", shift.cash_refunds_fen),
    money("expected", shift.expected_fen), ...figures(t("asked_by"), shift.asked), ...figures(t("refunded_by"), shift.paid),
    ...(shift.open_cash.length ? [row(`${t("open_cash")}：${shift.open_cash.join(" ")}`)] : []),
    ...(shift.unknown.length ? [row(`${t("unknown_ones")}：${shift.unknown.join(" ")}`)] : []));
}
async function beginShift(event) {
  event.preventDefault();
  const amount = fen($("float").value);
  try {
    const body = { terminal: till.terminal, store: till.store, float_fen: amount };
    const made = await post("shifts", body, crypto.randomUUID());
    // Opened at this till before, from another screen: it is that one.
    if (!made.ok && !made.data.shift) return sayProblem(made.data);
    keep("shift", made.ok ? made.data.id : made.data.shift);
    $("begin").reset();
    await showShift();
    say(t("shift_opened"), { note: shift ? `${t("float")} ${yuan(shift.float_fen)}` : "" });
  } catch (error) {
    if (!(error instanceof NoLine)) throw error;
    say(t("offline"), { remedy: t("try_again"), bad: true });
  }
}
async function closeShift(event) {
  event.preventDefault();
  const body = { counted_fen: fen($("counted").value), handed_to: $("handed-to").value.trim(), note: $("note").value.trim() };
  // What waits on this till is not in the books yet, and would be nobody's.
  if (kept("queue", []).length) return say(t("offline"), { cause: t("queue"), remedy: t("queue_hint"), bad: true });
  try {
    const closed = await post(`shifts/${shift.id}/close`, body);
    if (!closed.ok) { sayProblem(closed.data); return await showShift(); }
    keep("shift", null);
    $("close").reset();
    await showShift();
    const { counted_fen: counted, expected_fen: expected } = closed.data;
    say(t("shift_closed"), { note: `${t("counted")} ${yuan(counted)} · ${t("expected")} ${yuan(expected)}`,
      more: figures(t("refunded_by"), closed.data.paid) });
  } catch (error) {
    if (!(error instanceof NoLine)) throw error;
    say(t("offline"), { remedy: t("try_again"), bad: true });
  }
}

// --- the screen -----------------------------------------------------------------------------------------------------

function translate() {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  for (const one of document.querySelectorAll("[data-t]")) one.textContent = t(one.dataset.t);
  for (const one of $("pay-channel").options) one.textContent = t(one.value);
  $("language").textContent = language === "zh" ? "EN" : "中文";
}
function show(view) {
  for (const one of document.querySelectorAll("nav button"))
    one.dataset.view === view ? one.setAttribute("aria-current", "page") : one.removeAttribute("aria-current");
  for (const section of document.querySelectorAll("main > [id^=view-]")) section.hidden = section.id !== `view-${view}`;
  if (view === "shift") showShift();
}
async function learn() {
  try {
    const known = await get("policy");
    if (known.ok) { keep("policy", policy = known.data); learnt = true; }
    line(true);
  } catch (error) { if (!(error instanceof NoLine)) throw error; line(false); }
  policy ??= kept("policy", null);
  if (!policy) return;
  // None is chosen ahead: a reason that nobody chose is no reason, and the policy decides by it. What was chosen stays chosen.
  const chosen = $("ask-reason").value, route = $("ask-route").value;
  $("ask-reason").replaceChildren(el("option", t("choose"), { value: "" }),
    ...policy.reasons.map((one) => el("option", one.label, { value: one.reason })));
  $("ask-reason").value = policy.reasons.some((one) => one.reason === chosen) ? chosen : "";
  $("ask-route").replaceChildren(...policy.routes.map((one) => el("option", one.label, { value: one.route })));
  if (policy.routes.some((one) => one.route === route)) $("ask-route").value = route;
  const words = [policy.summary, ...policy.reasons.map((one) => `${one.label}：${one.words}`),
    ...policy.routes.filter((one) => one.words).map((one) => `${one.label}：${one.words}`)];
  $("rules").textContent = words.join("\n");
}
async function begin() {
  translate(); show("sale");
  $("cut").checked = kept("cut", false);
  for (;;) {
    const reply = await fetch("/till").catch(() => null);
    if (reply?.ok) { till = await reply.json(); keep("till", till); break; }
    if ((till = kept("till", null))) break;
    await new Promise((done) => setTimeout(done, FLUSH_MS));
  }
  $("who").textContent = `${till.merchant} · ${till.store_name} · ${till.terminal}`;
  $("pay-channel").replaceChildren(...till.channels.map((name) => el("option", t(name), { value: name })));
  $("ask-cashier").replaceChildren(...till.cashiers.map((name) => el("option", name, { value: name })));
  $("goods").replaceChildren(...GOODS.map((one) => press(`${one[1]} ${yuan(one[2])}`, () => add(one))));
  for (const button of document.querySelectorAll("nav button")) button.onclick = () => show(button.dataset.view);
  $("pay").onsubmit = pay; $("find").onsubmit = find; $("ask").onsubmit = confirm; $("agree").onclick = agreed;
  $("begin").onsubmit = beginShift; $("close").onsubmit = closeShift;
  for (const name of DEVICES) {
    $(`device-${name}`).checked = kept(`device-${name}`, true);
    $(`device-${name}`).onchange = (event) => {
      keep(`device-${name}`, event.target.checked);
      if (name === "printer" && event.target.checked) keep("missing_slips", 0); // it prints what it had not
      heartbeat();
    };
  }
  $("decline").onclick = () => $("consent").close("declined");
  $("consent").onclose = () => {
    if ($("consent").returnValue === "declined") say(t("declined"));
    $("consent").returnValue = "";
  };
  $("cut").onchange = () => { keep("cut", $("cut").checked); line(!$("cut").checked); flush(); };
  $("language").onclick = () => { keep("language", language = language === "zh" ? "en" : "zh"); translate(); learn(); showQueue(); showShift(); };
  showSale(); showQueue(); await learn();
  setInterval(settle, ASK_MS);
  // A till that was switched on while the line was down has old reasons to choose from, or none, until it has heard of them.
  setInterval(() => learnt || learn(), FLUSH_MS);
  setInterval(flush, FLUSH_MS); addEventListener("online", flush); setInterval(heartbeat, BEAT_MS);
  flush(); heartbeat();
  document.body.dataset.ready = "yes";
}
begin();
