// The calls of a till through the client that OpenAPI Generator makes for TypeScript, unpatched. BASE and KEY say where and as whom.
import assert from "node:assert/strict";

import {
  ApiKeysApi, Configuration, EventsApi, EvidenceApi, OrdersApi, PolicyApi, RefundBatchesApi, RefundQuotesApi, RefundRequestsApi,
  ResponseError, TerminalsApi, TransactionsApi, WebhookEndpointsApi,
} from "./client";

const key = process.env.KEY ?? "";
const api = new Configuration({ basePath: process.env.BASE, accessToken: async () => key });
const sales = new TransactionsApi(api), refunds = new RefundRequestsApi(api), hooks = new WebhookEndpointsApi(api);
const batches = new RefundBatchesApi(api);

async function refusal(call: Promise<unknown>): Promise<[number, string]> {
  try {
    await call;
  } catch (error) {
    assert(error instanceof ResponseError);
    return [error.response.status, (await error.response.json()).code];
  }
  throw new Error("it was not refused");
}

async function sellAndRefund(): Promise<void> {
  const transactionRequest = {
    orderNo: "T-1", channel: "wechat" as const, channelTransactionNo: "42000000000000000000000000002", amountFen: 10_000,
    paidAt: new Date(Date.now() - 3_600_000), store: "S001",
    lines: [{ sku: "A", name: "空气炸锅", quantity: 1, unitPriceFen: 10_000, amountFen: 10_000 }],
  };
  const sale = await sales.reportTransaction({ idempotencyKey: "s-1", transactionRequest });
  const again = await sales.reportTransactionRaw({ idempotencyKey: "s-2", transactionRequest });
  assert.deepEqual([again.raw.status, (await again.value()).id], [200, sale.id]);
  const [row] = (await sales.listTransactions({ orderNo: "T-1", fields: "id,lines" })).results;
  assert.deepEqual([row?.id, row?.amountFen], [sale.id, undefined]);
  assert.equal((await new OrdersApi(api).getOrder({ orderNo: "T-1" })).refundableFen, 10_000);
  const picture = new Blob([Buffer.from(process.env.PICTURE ?? "", "base64")], { type: "image/jpeg" });
  const sent = await new EvidenceApi(api).sendEvidenceAhead({ idempotencyKey: "p-1", file: picture, kind: "photo" });
  const wish = { orderNo: "T-1", amountFen: 1_200, reason: "quality" as const, customerConsent: true };
  assert.equal((await new RefundQuotesApi(api).quoteRefund({ refundRequestRequest: wish })).verdict.decision, "approve");
  const asked = { idempotencyKey: "r-1", refundRequestRequest: { ...wish, evidence: [sent.id] } };
  const made = await refunds.submitRefundRequest(asked);
  const replayed = await refunds.submitRefundRequestRaw(asked);
  assert.deepEqual([(await replayed.value()).id, replayed.raw.headers.get("Idempotent-Replayed")], [made.id, "true"]);
  const tooMuch = refunds.submitRefundRequest({ idempotencyKey: "r-2", refundRequestRequest: { ...wish, amountFen: 90_000 } });
  assert.deepEqual(await refusal(tooMuch), [422, "exceeds_refundable"]);
  const whole = await refunds.getRefundRequest({ requestId: made.id });
  assert.deepEqual([whole.executions[0]?.amountFen, whole.verdict.rules[0]?.passed, whole.payee], [1_200, true, null]);
  const versionRequest = { version: whole.version };
  const cancelled = await refunds.cancelRefundRequest({ requestId: made.id, versionRequest });
  // A Date has milliseconds, an instant of ours microseconds.
  const listed = await refunds.listRefundRequests({ updatedAfter: whole.updatedAt, state: "cancelled" });
  assert.deepEqual([listed.results[0]?.version, listed.results[0]?.verdict], [cancelled.version, undefined]);
  const timeline = await refunds.listRefundRequestEvents({ requestId: made.id });
  assert.equal(timeline.results.at(-1)?.toState, "cancelled");
  assert.equal((await sales.getTransaction({ transactionId: sale.id })).refundRequests[0]?.number, made.number);
  const batchRequest = { name: "b", rows: [{ order_no: "T-1", amount_fen: 100, reason: "quality" }] };
  const filed = await batches.fileRefundBatch({ idempotencyKey: "b-1", batchRequest });
  assert.equal((await batches.getRefundBatch({ batchId: filed.id })).state, filed.state);
  assert.equal((await batches.listRefundBatchRows({ batchId: filed.id })).results.length, 1);
}

async function webhooks(): Promise<void> {
  const newEndpointRequest = { url: "https://93.184.216.34/hook" };
  const hook = await hooks.addWebhookEndpoint({ idempotencyKey: "h-1", newEndpointRequest });
  assert(hook.secret?.startsWith("whsec_"));
  const change = { endpointId: hook.id, patchedEndpointChangeRequest: { style: "full" as const } };
  assert.equal((await hooks.changeWebhookEndpoint(change)).style, "full");
  assert.notEqual((await hooks.rotateWebhookSecret({ endpointId: hook.id, rotateRequest: {} })).secret, hook.secret);
  await hooks.testWebhookEndpoint({ endpointId: hook.id });
  const [delivery] = (await hooks.listWebhookDeliveries({ endpointId: hook.id })).results;
  assert.deepEqual([delivery?.type, delivery?.status], ["webhook.test", "pending"]);
  await hooks.removeWebhookEndpoint({ endpointId: hook.id });
  assert.deepEqual((await hooks.listWebhookEndpoints()).results, []);
}

async function main(): Promise<void> {
  await sellAndRefund();
  await webhooks();
  assert.equal((await new PolicyApi(api).getPolicy()).autoApproveLimitFen, 20_000);
  assert.deepEqual((await new ApiKeysApi(api).getCurrentKey()).mandate, {});
  const beat = { code: process.env.TILL ?? "", heartbeatRequest: { version: "2.1" } };
  assert.equal((await new TerminalsApi(api).reportTerminal(beat)).softwareVersion, "2.1");
  const page = await new EventsApi(api).listEvents({ types: ["refund_request.approved"] });
  assert.equal(page.results.length, 2);
  const stranger = new PolicyApi(new Configuration({ basePath: process.env.BASE, accessToken: async () => "rdk_nobody" }));
  assert.deepEqual(await refusal(stranger.getPolicy()), [401, "invalid_api_key"]);
  console.log("as its document says");
}

void main();
