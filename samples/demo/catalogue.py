"""What the sample merchants sell, and the words their customers use. Prices in fen.

No price ends in 01 to 04 fen: the stand-in channels read those amounts as orders for a special outcome.
"""

from __future__ import annotations

from dataclasses import dataclass

from refunds.states import Reason


@dataclass(frozen=True, slots=True)
class Article:
    sku: str
    name: str
    price_fen: int
    weight: int = 10
    flaw: str = ""


MENU: tuple[Article, ...] = (
    Article("XH-101", "番茄牛腩套餐", 4_600, 14, "牛腩没有炖烂，咬不动。"),
    Article("XH-102", "黑椒牛柳饭", 3_900, 14, "米饭夹生。"),
    Article("XH-103", "鲜虾云吞面", 3_280, 12, "汤是凉的，云吞没有煮熟。"),
    Article("XH-104", "香煎三文鱼沙拉", 5_800, 8, "三文鱼有异味，没有再吃。"),
    Article("XH-105", "菌菇鸡汤", 2_600, 10, "汤里有一根头发，已请服务员看过。"),
    Article("XH-106", "清炒时蔬", 2_200, 10, "菜里有沙子。"),
    Article("XH-107", "酸梅汤", 1_200, 16, "喝起来发酸变质了。"),
    Article("XH-108", "桂花乌龙", 1_800, 12, "杯子里有茶垢。"),
    Article("XH-109", "红糖糍粑", 1_600, 10, "外面焦了，里面是冷的。"),
    Article("XH-110", "双人牛腩锅", 16_800, 6, "锅里吃到异物，已请服务员看过。"),
    Article("XH-111", "四人家庭餐", 29_800, 3, "烤鸡里面还带血。"),
    Article("XH-112", "生日宴定制套餐", 88_000, 1, "蛋糕送来时已经塌了。"),
)

GOODS: tuple[Article, ...] = (
    Article("69412003", "空气炸锅 4L", 26_800, 6, "打开包装发现面板开裂，按键无反应。"),
    Article("69410871", "冷榨橙汁 1L", 3_200, 14, "瓶盖漏气，果汁已经变味。"),
    Article("69410233", "蓝莓 125g", 1_990, 14, "打开盒子有一半已经发霉。"),
    Article("69413520", "不粘炒锅 30cm", 18_900, 6, "用了一次涂层就起泡脱落。"),
    Article("69413544", "陶瓷刀三件套", 12_900, 5, "其中一把刀口有缺角。"),
    Article("69414108", "真无线耳机", 45_900, 4, "左耳没有声音，恢复出厂设置也不行。"),
    Article("69414230", "护眼台灯", 31_800, 4, "通电后一直闪烁，换插座也一样。"),
    Article("69414355", "加湿器 3L", 15_900, 5, "水箱底部漏水，桌面都湿了。"),
    Article("69415012", "四件套 1.8m", 45_900, 4, "被套缝线开了十厘米。"),
    Article("69415077", "乳胶枕", 23_800, 5, "收到时外箱破损，枕头有裂纹。"),
    Article("69415190", "羽绒被 220×240", 129_900, 1, "一个角漏绒，拍一下就往外飞。"),
    Article("69416002", "儿童保温杯", 8_990, 10, "杯盖合不严，装水就漏。"),
    Article("69416118", "拉杆箱 20 寸", 64_200, 2, "一个轮子卡死，拉杆缩不回去。"),
    Article("69416301", "洗衣凝珠 52 颗", 5_980, 14, "盒子压坏，凝珠粘成一团。"),
    Article("69416455", "抽纸 24 包", 4_990, 14, "里面有三包是湿的。"),
    Article("69417023", "有机牛奶 12 盒", 7_620, 12, "两盒胀包。"),
    Article("69417089", "坚果礼盒", 12_840, 8, "核桃有哈喇味。"),
    Article("69417555", "扫地机器人", 238_000, 1, "充不进电，指示灯一直红色。"),
)

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN_NAMES = (
    "敏",
    "静",
    "磊",
    "洋",
    "雪",
    "晨",
    "欣怡",
    "子涵",
    "浩然",
    "思远",
    "雨桐",
    "佳宁",
    "建国",
    "秀英",
    "志强",
    "婷",
)

#: Reason -> what customers of the restaurant say; a quality problem is told by the article's flaw.
TABLE_TALK: dict[str, tuple[str, ...]] = {
    Reason.NOT_AS_DESCRIBED: ("端上来的和菜单图片差别很大。", "点的是不辣，上来是重辣。"),
    Reason.SERVICE_FAILURE: ("等了五十分钟还没上菜，要求退一部分。", "服务员上错桌，催了三次。"),
    Reason.WRONG_AMOUNT: ("账单多算了一份主食。", "优惠券没有抵扣，多收了钱。"),
    Reason.DUPLICATE_CHARGE: ("付款时网络卡住，扣了两次。", "手机显示支付失败，重新扫码后扣了两笔。"),
    Reason.CUSTOMER_CANCELLED: ("临时有事，还没开始做，取消这一单。", "拼桌的朋友来不了，退一份套餐。"),
    Reason.OPERATOR_ERROR: ("收银员多按了一个零。", "打单时选错了规格。"),
    Reason.GOODWILL: ("店长答应给的补偿。",),
}

#: Reason -> what customers of the shops say; a quality problem likewise.
SHOP_TALK: dict[str, tuple[str, ...]] = {
    Reason.NOT_AS_DESCRIBED: ("颜色和页面不一样，差别明显。", "尺寸比标注的小一圈。", "标注含赠品，实际没有。"),
    Reason.SERVICE_FAILURE: ("约好的安装师傅没有来。", "送货晚了三天，错过了搬家。"),
    Reason.PRICE_ADJUSTMENT: ("买完第二天就降价，要求退差价。", "货架价签和收银价格不一致。"),
    Reason.WRONG_AMOUNT: ("同一件商品扫了两次。", "会员价没有生效，多收了。", "少发了一件，退一件的钱。"),
    Reason.DUPLICATE_CHARGE: (
        "收银机提示超时，重刷了一次，扣了两笔。",
        "POS 没有出小票，店员让再付一次。",
        "银行短信显示同一金额扣了两次。",
    ),
    Reason.SYSTEM_FAULT: ("自助收银机死机，钱扣了没有出货。",),
    Reason.CUSTOMER_CANCELLED: ("还没有提货，不需要了。", "家里已经买过同款，取消。"),
    Reason.NO_REASON: ("七天无理由，包装没有拆。", "买回来不合适，吊牌都在。"),
    Reason.OPERATOR_ERROR: ("收银员输错了数量。",),
    Reason.GOODWILL: ("投诉处理后答应的补偿。",),
}

COMMENTS: dict[int, tuple[str, ...]] = {
    5: ("很快，一分钟就到账了。", "不用解释太多，点赞。", ""),
    4: ("处理得挺快。", "客服态度好。", ""),
    3: ("等了一会儿，最后解决了。", ""),
    2: ("要补的材料有点多。", "到账慢。"),
    1: ("打了两次电话才有人处理。",),
}

MISSING = ("请补一张能看清商品标签的照片。", "请补小票照片，或者付款截图。", "请说明是哪一件商品有问题，并拍一张照片。")

REFUSALS: dict[str, str] = {
    "outside_window": "已超过约定的退款期限，本次不能退款。",
    "goods_used": "商品有使用痕迹，不符合退货条件。",
    "no_proof": "没有收到能证明问题的照片，本次不能退款。",
    "already_solved": "门店已为您换货，本次不再退款。",
}
