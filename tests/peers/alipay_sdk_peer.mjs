// Alipay as the vendor's npm package `alipay-sdk` speaks it. The address is the SDK's own option `gateway`.

import assert from 'node:assert/strict';
import { crc32, inflateRawSync } from 'node:zlib';

import {
  brief, check, control, finish, flipped, load, movedFen, notice, noticeUrl, read, strangerPrivateKey, strangerPublicKey,
} from './checks.mjs';

const { AlipaySdk } = load('alipay-sdk');
const { account } = brief;
const AMOUNT = '12.34';
const AMOUNT_FEN = 1234;
const TOTAL_FEN = 5000;
const DAY_S = 86_400;
const DEFLATED = 8;

/** The SDK's client; what is not named is right. */
const client = ({
  gateway = account.gateway_url, privateKey = read('app_private_key'), alipayPublicKey = read('alipay_public_key'),
} = {}) => new AlipaySdk({ appId: account.app_id, keyType: 'PKCS8', gateway, privateKey, alipayPublicKey, timeout: 10_000 });

const call = (sdk, method, bizContent) => sdk.exec(method, { bizContent }, { validateSign: true });

const refund = (sdk, orderNo) => call(sdk, 'alipay.trade.refund', {
  out_trade_no: orderNo, refund_amount: AMOUNT, out_request_no: `R${orderNo}`, refund_reason: '客户退货 50% & more',
});

const query = (sdk, orderNo) => call(sdk, 'alipay.trade.fastpay.refund.query', {
  out_trade_no: orderNo, out_request_no: `R${orderNo}`, query_options: ['gmt_refund_pay'],
});

async function sale(number) {
  const orderNo = `PEER${number}`;
  await control('POST', '/payments', { order_no: orderNo, amount_fen: TOTAL_FEN, notify_url: noticeUrl(orderNo) });
  return orderNo;
}

/** The files of a ZIP archive by their names in GBK, each compared with the checksum that the archive has of it. */
function unzipped(archive) {
  const files = {};
  let at = archive.readUInt32LE(archive.lastIndexOf('PK\x05\x06', undefined, 'latin1') + 16);
  while (archive.readUInt32LE(at) === 0x02014b50) {
    const [checksum, packed] = [archive.readUInt32LE(at + 16), archive.readUInt32LE(at + 20)];
    assert.equal(archive.readUInt16LE(at + 10), DEFLATED);
    const [nameSize, extraSize, commentSize] = [28, 30, 32].map((offset) => archive.readUInt16LE(at + offset));
    const local = archive.readUInt32LE(at + 42);
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const content = inflateRawSync(archive.subarray(start, start + packed));
    assert.equal(crc32(content), checksum);
    files[new TextDecoder('gbk').decode(archive.subarray(at + 46, at + 46 + nameSize))] = content;
    at += 46 + nameSize + extraSize + commentSize;
  }
  return files;
}

const orderNo = await sale(1);
await check("a refund moves money, and the answer's signature holds", async () => {
  const answer = await refund(client(), orderNo);
  assert.deepEqual([answer.code, answer.fundChange, answer.refundFee], ['10000', 'Y', AMOUNT]);
});
await check('the same number again moves nothing', async () => {
  const answer = await refund(client(), orderNo);
  assert.deepEqual([answer.code, answer.fundChange], ['10000', 'N']);
  assert.equal(await movedFen(orderNo), AMOUNT_FEN);
});
await check('a query tells that it succeeded', async () => {
  const answer = await query(client(), orderNo);
  assert.deepEqual([answer.refundStatus, answer.refundAmount], ['REFUND_SUCCESS', AMOUNT]);
});
await check('a business refusal is signed too', async () => {
  const answer = await call(client(), 'alipay.trade.query', { out_trade_no: 'NOBODY' });
  assert.deepEqual([answer.code, answer.subCode], ['40004', 'ACQ.TRADE_NOT_EXIST']);
});

let told = {};
await check('the notice is genuine', async () => {
  told = Object.fromEntries(new URLSearchParams((await notice(orderNo)).body));
  assert.ok(client().checkNotifySignV2(told));
  assert.deepEqual([told.out_biz_no, told.refund_fee], [`R${orderNo}`, AMOUNT]);
});
for (const name of ['refund_fee', 'sign']) {
  await check(`a notice with a flipped byte in its ${name} is rejected`, () => {
    assert.ok(!client().checkNotifySignV2({ ...told, [name]: flipped(told[name]) }));
  });
}
await check('a notice is rejected under another key', () => {
  assert.ok(!client({ alipayPublicKey: strangerPublicKey }).checkNotifySignV2(told));
});

await check('the bill unpacks without damage and names the refund', async () => {
  const day = (await query(client(), orderNo)).gmtRefundPay.slice(0, 10);
  await control('POST', '/clock', { offset_s: 2 * DAY_S });
  let content;
  try {
    const answer = await call(client(), 'alipay.data.dataservice.bill.downloadurl.query', { bill_type: 'trade', bill_date: day });
    content = Buffer.from(await (await fetch(answer.billDownloadUrl)).arrayBuffer());
  } finally {
    await control('POST', '/clock', { offset_s: 0 });
  }
  const [, bill] = Object.entries(unzipped(content)).find(([name]) => name.endsWith('业务明细.csv'));
  const rows = new TextDecoder('gbk').decode(bill).split('\r\n').filter((line) => line && !line.startsWith('#'));
  const header = rows.shift().split(',');
  const number = header.indexOf('退款批次号/请求号');
  const row = rows.map((line) => line.split(',')).find((cells) => cells[number].trim() === `R${orderNo}`);
  assert.equal(row[header.indexOf('商家实收（元）')], `-${AMOUNT}`);
});

await check('a refund signed with another private key is refused, and no money moves', async () => {
  const untouched = await sale(2);
  const answer = await refund(client({ privateKey: strangerPrivateKey }), untouched);
  assert.deepEqual([answer.code, answer.subCode], ['40002', 'isv.invalid-signature']);
  assert.equal((await query(client(), untouched)).refundStatus, undefined);
  assert.equal(await movedFen(untouched), 0);
});
await check('an answer is rejected under another key', async () => {
  await assert.rejects(query(client({ alipayPublicKey: strangerPublicKey }), orderNo), /验签失败/);
});
for (const [what, url] of [['body', brief.spoiled_body_url], ['signature', brief.spoiled_signature_url]]) {
  await check(`an answer with a flipped byte in its ${what} is rejected`, async () => {
    await assert.rejects(query(client({ gateway: `${url}/gateway.do` }), orderNo), /验签失败/);
  });
}
finish();
