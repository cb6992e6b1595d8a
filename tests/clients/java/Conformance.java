// The calls of a till through the client that OpenAPI Generator makes for Java, unpatched. BASE and KEY say where and as whom.
import java.nio.file.Files;
import java.time.OffsetDateTime;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.ApiResponse;
import org.openapitools.client.api.*;
import org.openapitools.client.model.*;

public class Conformance {
  interface Call { Object make() throws Exception; }

  static ApiClient as(String key) {
    var client = new ApiClient();
    client.updateBaseUri(System.getenv("BASE"));
    client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + key));
    return client;
  }

  static final ApiClient API = as(System.getenv("KEY"));

  static void equal(Object found, Object wanted) {
    if (!Objects.equals(found, wanted)) throw new AssertionError("found " + found + ", wanted " + wanted);
  }

  static void refused(int status, String code, Call call) throws Exception {
    try {
      call.make();
    } catch (ApiException error) {
      equal(error.getCode(), status);
      equal(API.getObjectMapper().readTree(error.getResponseBody()).get("code").asText(), code);
      return;
    }
    throw new AssertionError("it was not refused");
  }

  static void sellAndRefund() throws Exception {
    var sales = new TransactionsApi(API);
    var refunds = new RefundRequestsApi(API);
    var batches = new RefundBatchesApi(API);
    var line = new SaleLineRequest().sku("A").name("空气炸锅").quantity(1.0).unitPriceFen(10_000L).amountFen(10_000L);
    var report = new TransactionRequest().orderNo("J-1").channel(ChannelEnum.WECHAT)
        .channelTransactionNo("42000000000000000000000000003").amountFen(10_000L).paidAt(OffsetDateTime.now().minusHours(1))
        .store("S001").addLinesItem(line);
    var sale = sales.reportTransaction("s-1", report);
    ApiResponse<TransactionOut> again = sales.reportTransactionWithHttpInfo("s-2", report);
    equal(List.of(again.getStatusCode(), again.getData().getId()), List.of(200, sale.getId()));
    var rows = sales.listTransactions(null, null, null, null, null, "id,lines", null, "J-1", null, null, null, null, null, null, null);
    equal(rows.getResults().get(0).getId(), sale.getId());
    equal(rows.getResults().get(0).getAmountFen(), null);
    equal(new OrdersApi(API).getOrder("J-1", null).getRefundableFen(), 10_000L);
    var picture = Files.createTempFile("evidence", ".jpg");
    Files.write(picture, Base64.getDecoder().decode(System.getenv("PICTURE")));
    var sent = new EvidenceApi(API).sendEvidenceAhead("p-1", picture.toFile(), EvidenceKindEnum.PHOTO, null);
    var wish = new RefundRequestRequest().orderNo("J-1").amountFen(1_200L).reason(ReasonEnum.QUALITY).customerConsent(true);
    equal(new RefundQuotesApi(API).quoteRefund(wish).getVerdict().getDecision().getValue(), "approve");
    wish.addEvidenceItem(sent.getId());
    var made = refunds.submitRefundRequest("r-1", wish);
    var added = new EvidenceApi(API).sendEvidenceAhead("p-1", picture.toFile(), EvidenceKindEnum.PHOTO, null);
    equal(added.getId(), sent.getId());
    var replayed = refunds.submitRefundRequestWithHttpInfo("r-1", wish);
    equal(replayed.getData().getId(), made.getId());
    equal(replayed.getHeaders().get("idempotent-replayed"), List.of("true"));
    var tooMuch = new RefundRequestRequest().orderNo("J-1").amountFen(90_000L).reason(ReasonEnum.QUALITY).customerConsent(true);
    refused(422, "exceeds_refundable", () -> refunds.submitRefundRequest("r-2", tooMuch));
    var whole = refunds.getRefundRequest(made.getId());
    equal(whole.getExecutions().get(0).getAmountFen(), 1_200L);
    equal(whole.getVerdict().getRules().get(0).getPassed(), true);
    equal(whole.getPayee(), null);
    var cancelled = refunds.cancelRefundRequest(made.getId(), new VersionRequest().version(whole.getVersion()));
    var changed = refunds.listRefundRequests(
        null, null, null, null, null, null, null, null, "cancelled", null, null, whole.getUpdatedAt());
    equal(changed.getResults().get(0).getVersion(), cancelled.getVersion());
    equal(changed.getResults().get(0).getVerdict(), null);
    var timeline = refunds.listRefundRequestEvents(made.getId(), null, null).getResults();
    equal(timeline.get(timeline.size() - 1).getToState(), "cancelled");
    equal(sales.getTransaction(sale.getId()).getRefundRequests().get(0).getNumber(), made.getNumber());
    Map<String, Object> row = Map.of("order_no", "J-1", "amount_fen", 100, "reason", "quality");
    var filed = batches.fileRefundBatch("b-1", new BatchRequest().name("b").rows(List.of(row)));
    equal(batches.getRefundBatch(filed.getId()).getState(), filed.getState());
    equal(batches.listRefundBatchRows(filed.getId(), null, null, null, null, null).getResults().size(), 1);
  }

  static void webhooks() throws Exception {
    var hooks = new WebhookEndpointsApi(API);
    var hook = hooks.addWebhookEndpoint("h-1", new NewEndpointRequest().url("https://93.184.216.34/hook"));
    equal(hook.getSecret().startsWith("whsec_"), true);
    var full = new PatchedEndpointChangeRequest().style(StyleEnum.FULL);
    equal(hooks.changeWebhookEndpoint(hook.getId(), full).getStyle(), StyleEnum.FULL);
    equal(hooks.rotateWebhookSecret(hook.getId(), new RotateRequest()).getSecret().equals(hook.getSecret()), false);
    hooks.testWebhookEndpoint(hook.getId());
    var delivery = hooks.listWebhookDeliveries(hook.getId(), null, null, null, null).getResults().get(0);
    equal(delivery.getType(), "webhook.test");
    equal(delivery.getStatus().getValue(), "pending");
    hooks.removeWebhookEndpoint(hook.getId());
    equal(hooks.listWebhookEndpoints().getResults(), List.of());
  }

  public static void main(String[] arguments) throws Exception {
    sellAndRefund();
    webhooks();
    equal(new PolicyApi(API).getPolicy().getAutoApproveLimitFen(), 20_000L);
    equal(new ApiKeysApi(API).getCurrentKey().getMandate(), Map.of());
    var beat = new HeartbeatRequest().version("2.1");
    equal(new TerminalsApi(API).reportTerminal(System.getenv("TILL"), beat).getSoftwareVersion(), "2.1");
    var page = new EventsApi(API).listEvents(null, null, List.of("refund_request.approved"), null);
    equal(page.getResults().size(), 2);
    refused(401, "invalid_api_key", () -> new PolicyApi(as("rdk_nobody")).getPolicy());
    System.out.println("as its document says");
  }
}
