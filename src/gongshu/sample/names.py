"""Characters and places the invented names and addresses are put together from."""

REGION = "659099"
"""Region code in identity numbers and credit codes: a code of six digits that is assigned to no county."""

PHONE = "154"
"""First digits of telephone numbers: a mobile prefix that is assigned to no operator."""

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢"
)
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰涛明超兰霞平刚桂英华玉萍红建国文辉力斌宇浩凯健俊帆雪琳晨欣怡佳嘉梓涵子轩"
NATIONS = ("汉族",) * 17 + ("回族", "土家族", "苗族")

COUNTY = "云栖县"
TOWNS = ("青禾镇", "柳湾镇", "石桥街道", "望川乡", "云台街道", "松岭镇", "白鹭街道", "临泉镇")
STREETS = ("安宁路", "青石巷", "槐荫街", "永和路", "云水街", "丰裕路", "翠屏路", "长桥街", "松涛路", "北渡街")

TRADES = ("商贸", "餐饮", "建材", "物流", "农业科技", "电子", "纺织", "食品", "机械", "文化传媒")
TRADE_NAMES = "鑫瑞恒泰和顺昌隆祥裕丰源盛达康安宏远博智云禾川岭"
