# Helpers for the tour in README.md: run `. docs/tour.sh` in the checkout while the demo runs. Each is one curl or two.
# The merchant is the retail chain M002; its key may report sales and submit refunds, not decide them.

from_demo() { .venv/bin/python -c "import json; d = json.load(open('var/demo.json')); print($1)"; }
BASE=$(from_demo 'd["base_url"]')
KEY=$(from_demo 'd["merchants"][1]["api_key"]')
WECHAT=$(from_demo 'd["simulators"]["wechat"]["control_url"]')

post() { # address, JSON, further curl options
  address=$1 body=$2
  shift 2
  curl -sS "$address" -H 'Content-Type: application/json' -d "$body" "$@"
}

# sale ORDER FEN: the stand-in learns of a payment, then the till reports it
sale() {
  number=4200009$(printf %s "$1" | cksum | cut -d ' ' -f 1 | xargs printf %021d)
  now=$(.venv/bin/python -c 'import datetime; print(datetime.datetime.now().astimezone().isoformat())')
  post "$WECHAT/payments" "{\"order_no\":\"$1\",\"transaction_no\":\"$number\",\"amount_fen\":$2}"
  post "$BASE/api/v1/transactions" "{
    \"order_no\":\"$1\", \"channel\":\"wechat\", \"channel_transaction_no\":\"$number\", \"amount_fen\":$2,
    \"paid_at\":\"$now\", \"store\":\"S001\", \"terminal\":\"POS-01\", \"cashier\":\"C001\",
    \"payer\":{\"phone\":\"13800006021\",\"funding\":\"balance\"}}" \
    -H "Authorization: Bearer $KEY" -H "Idempotency-Key: sale-$1"
  echo
}

# refund ORDER FEN: the till submits a refund; the same again is the same refund
refund() {
  post "$BASE/api/v1/refund-requests" "{
    \"order_no\":\"$1\", \"amount_fen\":$2, \"reason\":\"quality\", \"description\":\"面板开裂\", \"customer_consent\":true,
    \"customer\":{\"name\":\"王敏\",\"phone\":\"13800006021\",\"email\":\"wang@example.com\",\"locale\":\"zh-Hans\"}}" \
    -H "Authorization: Bearer $KEY" -H "Idempotency-Key: refund-$1-$2" | .venv/bin/python -c '
import json, sys
r = json.load(sys.stdin)
print(r["number"], r["state"], "until", r["due_at"], "|", r["tracking_url"]) if "number" in r else print(r)'
}

# show ORDER: where its refunds and payouts stand
show() {
  curl -sS "$BASE/api/v1/refund-requests?order_no=$1&fields=number,state,executions" -H "Authorization: Bearer $KEY" | .venv/bin/python -c '
import json, sys
for r in json.load(sys.stdin)["results"]:
    for e in r["executions"] or [None]:
        print(r["number"], r["state"], "|", e and (e["refund_no"], e["state"], e["failure"] and e["failure"]["code"]))'
}

# fault OPERATION NAME ORDER TIMES: order a fault at the stand-in
fault() { post "$WECHAT/faults" "{\"operation\":\"$1\",\"fault\":\"$2\",\"order_no\":\"$3\",\"times\":$4}"; echo; }

# ledger ORDER: the money that really moved
ledger() { curl -sS "$WECHAT/ledger?order_no=$1"; echo; }
