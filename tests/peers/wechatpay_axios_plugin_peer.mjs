// WeChat Pay as the npm package `wechatpay-axios-plugin` speaks it, in public-key mode and with platform certificates.
//
// The address is the SDK's own option `baseURL`.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';

import {
  brief, check, control, finish, flipped, load, movedFen, notice, noticeUrl, read, strangerPrivateKey, strangerPublicKey, until,
} from './checks.mjs';

const { Wechatpay, Rsa, Aes, Formatter } = load('wechatpay-axios-plugin');
const { account } = brief;
const AMOUNT_FEN = 1234;
const TOTAL_FEN = 5000;
const ABNORMAL_FEN = 1202; // the last two digits ask the simulator for the state ABNORMAL
const DAY_S = 86_400;

/** The SDK's client; what is not named is right. */
const client = (trusted, { baseURL = account.base_url, privateKey = read('merchant_private_key') } = {}) => new Wechatpay({
  baseURL, mchid: account.mchid, serial: account.merchant_serial, privateKey, certs: { ...trusted }, timeout: 10_000,
});

const apply = (wxpay, orderNo, amountFen = AMOUNT_FEN) => wxpay.v3.refund.domestic.refunds.post({
  out_trade_no: orderNo,
  out_refund_no: `R${orderNo}`,
  reason: '客户退货',
  notify_url: noticeUrl(orderNo),
  amount: { refund: amountFen, total: TOTAL_FEN, currency: 'CNY' },
});

const query = (wxpay, orderNo) => wxpay.v3.refund.domestic.refunds._out_refund_no_.get({ out_refund_no: `R${orderNo}` });

/** The SDK's way to a genuine notice, as its manual has it: check the signature, then open the resource. */
function genuine(trusted, { headers, body }) {
  const signed = Formatter.response(headers['wechatpay-timestamp'], headers['wechatpay-nonce'], body);
  return Rsa.verify(signed, headers['wechatpay-signature'], trusted[headers['wechatpay-serial']]);
}

function open({ body }, key = account.api_v3_key) {
  const { resource } = JSON.parse(body);
  return JSON.parse(Aes.AesGcm.decrypt(resource.ciphertext, key, resource.nonce, resource.associated_data));
}

async function download(wxpay, promised) {
  // By path and parameters: the SDK knows by its path that this answer alone carries no signature.
  const params = Object.fromEntries(new URL(promised.download_url).searchParams);
  const { data } = await wxpay.v3.billdownload.file.get({ params, responseType: 'arraybuffer' });
  const plain = gunzipSync(Buffer.from(data));
  assert.equal(promised.hash_type, 'SHA1');
  assert.equal(createHash('sha1').update(plain).digest('hex'), promised.hash_value);
  return plain;
}

async function mode(name, prefix, trusted) {
  const wxpay = client(trusted);
  const say = (what, body) => check(`${name}: ${what}`, body);
  const sale = async (number) => {
    const orderNo = `PEER${prefix}${number}`;
    await control('POST', '/payments', { order_no: orderNo, amount_fen: TOTAL_FEN });
    return orderNo;
  };
  const orderNo = await sale(1);

  await say("a refund is taken on, and the answer's signature holds", async () => {
    const { data } = await apply(wxpay, orderNo);
    assert.deepEqual([data.out_refund_no, data.amount.refund, data.amount.total], [`R${orderNo}`, AMOUNT_FEN, TOTAL_FEN]);
  });
  await say('a query tells that it succeeded', async () => {
    await until(async () => (await query(wxpay, orderNo)).data.status === 'SUCCESS');
    assert.equal(await movedFen(orderNo), AMOUNT_FEN);
  });

  let told = { headers: {}, body: '' };
  await say('the notice is genuine and opens under the APIv3 key', async () => {
    told = await notice(orderNo);
    assert.ok(genuine(trusted, told));
    const opened = open(told);
    assert.deepEqual([opened.out_refund_no, opened.refund_status, opened.amount.refund], [`R${orderNo}`, 'SUCCESS', AMOUNT_FEN]);
  });
  await say('a notice with a flipped byte in its cipher text is rejected', () => {
    const spoiled = { ...told, body: flipped(told.body, '"ciphertext"') };
    assert.ok(!genuine(trusted, spoiled));
    assert.throws(() => open(spoiled));
  });
  await say('a notice with a flipped byte in its signature is rejected', () => {
    const headers = { ...told.headers, 'wechatpay-signature': flipped(told.headers['wechatpay-signature']) };
    assert.ok(!genuine(trusted, { ...told, headers }));
  });
  await say('a notice does not open under another APIv3 key', () => assert.throws(() => open(told, '0'.repeat(32))));

  const day = (await query(wxpay, orderNo)).data.create_time.slice(0, 10);
  await control('POST', '/clock', { offset_s: 2 * DAY_S });
  await say('the trade bill has the promised hash, and the SDK reads the refund in it', async () => {
    const params = { bill_date: day, bill_type: 'REFUND', tar_type: 'GZIP' };
    const { data } = await wxpay.v3.bill.tradebill.get({ params });
    const { rows, summary } = Formatter.castCsvBill(await download(wxpay, data));
    const row = rows.find((found) => found['商户退款单号'] === `R${orderNo}`);
    assert.equal(row['申请退款金额'], (AMOUNT_FEN / 100).toFixed(2));
    assert.equal(Number(summary['总交易单数']), rows.length);
  });
  await say('the fund-flow bill has the promised hash, and the SDK reads the refund in it', async () => {
    const { data } = await wxpay.v3.bill.fundflowbill.get({ params: { bill_date: day, tar_type: 'GZIP' } });
    const { rows } = Formatter.castCsvBill(await download(wxpay, data));
    assert.equal(rows.find((found) => found['业务凭证号'] === `R${orderNo}`)['收支类型'], '支出');
  });
  await control('POST', '/clock', { offset_s: 0 });

  await say('an abnormal refund reaches the card that the SDK encrypted', async () => {
    const abnormal = await sale(2);
    const { data: { refund_id: refundId } } = await apply(wxpay, abnormal, ABNORMAL_FEN);
    await until(async () => (await query(wxpay, abnormal)).data.status === 'ABNORMAL');
    const [serial, key] = Object.entries(trusted).at(-1);
    const { data } = await wxpay.v3.refund.domestic.refunds._refund_id_.applyAbnormalRefund.post({
      out_refund_no: `R${abnormal}`,
      type: 'USER_BANK_CARD',
      bank_type: 'ICBC_DEBIT',
      bank_account: Rsa.encrypt('6222020000000004321', key),
      real_name: Rsa.encrypt('张三', key),
    }, { refund_id: refundId, headers: { 'Wechatpay-Serial': serial } });
    assert.equal(data.user_received_account, 'ICBC_DEBIT4321');
  });

  await say('a refund signed with another private key is refused, and no money moves', async () => {
    const untouched = await sale(3);
    await assert.rejects(apply(client(trusted, { privateKey: strangerPrivateKey }), untouched), ({ response }) => {
      assert.deepEqual([response.status, response.data.code], [401, 'SIGN_ERROR']);
      return true;
    });
    await assert.rejects(query(wxpay, untouched), ({ response }) => response.status === 404);
    assert.equal(await movedFen(untouched), 0);
  });
  await say("an answer is rejected under another platform's key", async () => {
    const misled = client(Object.fromEntries(Object.keys(trusted).map((serial) => [serial, strangerPublicKey])));
    await assert.rejects(query(misled, orderNo), { code: 'EV3_RES_HEADER_SIGNATURE_DIGEST' });
  });
  for (const [what, baseURL] of [['body', brief.spoiled_body_url], ['signature', brief.spoiled_signature_url]]) {
    await say(`an answer with a flipped byte in its ${what} is rejected`, async () => {
      await assert.rejects(query(client(trusted, { baseURL }), orderNo), { code: 'EV3_RES_HEADER_SIGNATURE_DIGEST' });
    });
  }
  await say('an answer that is six minutes old is rejected', async () => {
    await control('POST', '/faults', { operation: 'query', fault: 'stale_response', times: 1 });
    await assert.rejects(query(wxpay, orderNo), { code: 'EV3_RES_HEADER_TIMESTAMP_OFFSET' });
  });
}

/**
 * The platform certificates, fetched, checked and decrypted by the SDK: PEM by serial.
 *
 * The SDK's own command line (`bin/cli/cert.js`) does it like this. That of 0.9.6 cannot be used: it adds what it has
 * decrypted to an object of which the verifier already has a copy, and so refuses every answer. `config.certs` is that copy.
 */
async function certificates() {
  const found = {};
  const config = {
    baseURL: account.base_url,
    mchid: account.mchid,
    serial: account.merchant_serial,
    privateKey: read('merchant_private_key'),
    certs: { any: undefined },
  };
  const wxpay = new Wechatpay(config);
  const learn = (body) => {
    for (const { serial_no: serial, encrypt_certificate: sealed } of JSON.parse(body).data) {
      found[serial] = Aes.AesGcm.decrypt(sealed.ciphertext, account.api_v3_key, sealed.nonce, sealed.associated_data);
      config.certs[serial] = Rsa.from(found[serial], Rsa.KEY_TYPE_PUBLIC);
    }
    return body;
  };
  await wxpay.v3.certificates.get({ transformResponse: [learn, ...wxpay.client.v3.defaults.transformResponse] });
  return found;
}

await mode('public key', 'P', { [account.public_key_id]: read('public_key') });
await control('POST', '/signing', { mode: 'certificate' });
let fetched = {};
await check('the platform certificates are fetched, decrypted and fit the signature', async () => {
  fetched = await certificates();
  assert.equal(Object.keys(fetched).length, 1);
});
await mode('certificate', 'C', fetched);
await check('after a rotation the certificate of before is not enough, and the new one is', async () => {
  await control('POST', '/rotate');
  await assert.rejects(query(client(fetched), 'PEERC1'), { code: 'EV3_RES_HEADER_PLATFORM_SERIAL' });
  assert.equal((await query(client(await certificates()), 'PEERC1')).data.status, 'SUCCESS');
});
finish();
