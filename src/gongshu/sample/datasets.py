"""The county's systems and their tables: what each unit keeps, in what kind of store, how many rows, which columns.

A column's expression is DuckDB SQL over the row number `i`, the person `p` and the firm `f` of that row.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .generate import FIRMS, PEOPLE, listed, one_in
from .names import COUNTY, STREETS, TOWNS


@dataclass(frozen=True)
class Source:
    """A unit's information system with its store. name: database, or path of the file below the files root."""

    code: str
    unit: str
    kind: str
    name: str
    system: str
    system_en: str
    encoding: str = ""


@dataclass(frozen=True)
class Column:
    """A column: name in the store, its meaning, SQL type there, expression."""

    name: str
    label: str
    type: str
    expression: str


@dataclass(frozen=True)
class Dataset:
    """A table of a source. key: its primary key, "" where the table declares none."""

    source: str
    table: str
    label: str
    label_en: str
    rows: int
    columns: tuple[Column, ...] = field(repr=False)
    key: str = ""
    repeats: bool = False
    """Whether some rows come twice."""
    born: tuple[str, str] = ("1932-01-01", "2100-01-01")
    """Only persons born between these days."""

    @property
    def code(self) -> str:
        """Name within the county, e.g. ga_rk.rk_jbxx."""
        return f"{self.source}.{self.table}"

    def select(self) -> str:
        """The query that makes the rows.

        Persons and firms are met in a fixed, scattered order, without repetition as far as there are enough of them.
        """
        salt = sum(ord(c) * k for k, c in enumerate(self.code, 1))
        chosen = ", ".join(f'{c.expression} AS "{c.name}"' for c in self.columns)
        again = f"CASE WHEN i > 0 AND {one_in('row_twice')} THEN i - 1 ELSE i END" if self.repeats else "i"
        first, last = self.born
        return f"""
        WITH met AS (SELECT *, row_number() OVER (ORDER BY person) - 1 AS turn, count(*) OVER () AS met FROM people
                      WHERE birth BETWEEN '{first}' AND '{last}'),
             lines AS (SELECT i AS line, {again} AS i FROM range({self.rows}) t(i)),
             drawn AS (SELECT *, i + {salt % 9973 * 1_000_003} AS d FROM lines)
        SELECT {chosen} FROM drawn
          LEFT JOIN met p ON p.turn = (i * 104729 + {salt}) % (SELECT any_value(met) FROM met)
          LEFT JOIN firms f ON f.number = (i * 7919 + {salt}) % {FIRMS} ORDER BY line"""


SOURCES: dict[str, Source] = {
    s.code: s
    for s in (
        Source("ga_rk", "ga", "postgresql", "ga", "人口综合管理系统", "Resident register"),
        Source("mz_hy", "mz", "postgresql", "mz", "婚姻与养老服务管理系统", "Marriage and elderly services"),
        Source("mz_jz", "mz", "postgresql", "relief", "社会救助综合管理系统", "Social relief"),
        Source("rs_sb", "rs", "mariadb", "rs", "社会保险管理系统", "Social insurance"),
        Source("rs_jy", "rs", "sqlite", "rs/employment.db", "就业服务系统", "Employment service"),
        Source("sj_zt", "sj", "postgresql", "sj", "市场主体登记系统", "Business register"),
        Source("wj_ws", "wj", "mariadb", "wj", "卫生健康信息系统", "Health information"),
        Source("wj_jg", "wj", "excel", "wj/medical.xlsx", "医疗机构台账", "Register of medical institutions"),
        Source("jy_xj", "jy", "sqlite", "jy/school.db", "学籍管理系统", "School register"),
        Source("zj_bz", "zj", "excel", "zj/housing.xlsx", "住房保障台账", "Register of subsidised housing"),
        Source("sw_qs", "sw", "csv", "sw/water_stations.csv", "水站管理台账", "Register of water stations"),
        Source(
            "sw_sz", "sw", "csv", "sw/water_quality.csv", "水质监测台账", "Water quality records", "gb18030"
        ),
        Source("cl_cj", "cl", "excel", "cl/disabled.xlsx", "残疾人服务台账", "Register of disabled persons"),
        Source("yb_cb", "yb", "postgresql", "yb", "医疗保障信息系统", "Medical insurance"),
        Source("jd_wg", "jd", "sqlite", "jd/grid.db", "社区网格化管理系统", "Neighbourhood grid"),
        Source("zr_bdc", "zr", "sqlite", "zr/realty.db", "不动产登记系统", "Real estate register"),
    )
}

C = Column
XM = C("xm", "姓名", "varchar(60)", "p.name_told")
SFZH = C("sfzh", "公民身份号码", "varchar(18)", "p.id_told")
LXDH = C("lxdh", "联系电话", "varchar(20)", "p.phone_told")
DZ = C("dz", "住址", "varchar(200)", "p.address")
GXSJ = C("gxsj", "更新时间", "timestamp", "CAST(p.updated AS TIMESTAMP) + to_seconds(r(d, 'second', 86400))")
TYSHXYDM = C("tyshxydm", "统一社会信用代码", "varchar(18)", "f.uscc_told")
QYMC = C("qymc", "企业名称", "varchar(200)", "f.firm")


def number(name: str, label: str, prefix: str, width: int = 8, start: int = 1) -> Column:
    """A running number of the form PREFIX00000001."""
    return C(
        name,
        label,
        f"varchar({len(prefix) + width})",
        f"'{prefix}' || lpad(CAST(i + {start} AS VARCHAR), {width}, '0')",
    )


def day(name: str, label: str, since: str, days: int) -> Column:
    """A day within so many days from `since`."""
    return C(name, label, "date", f"DATE '{since}' + CAST(r(d, '{name}', {days}) AS INTEGER)")


def coded(name: str, label: str, values: str) -> Column:
    """One of the values, separated by | (a value given twice comes twice as often)."""
    parts = tuple(values.split("|"))
    return C(name, label, "varchar(60)", f"pick(d, '{name}', {listed(parts)})")


def money(name: str, label: str, low: int, high: int) -> Column:
    """An amount in yuan with two decimals."""
    return C(
        name,
        label,
        "decimal(12,2)",
        f"CAST({low} + r(d, '{name}', {(high - low) * 100}) / 100.0 AS DECIMAL(12,2))",
    )


def whole(name: str, label: str, low: int, high: int) -> Column:
    """A whole number from low to high."""
    return C(name, label, "integer", f"CAST({low} + r(d, '{name}', {high - low + 1}) AS INTEGER)")


def place(name: str, label: str) -> Column:
    """An address of the county."""
    return C(
        name,
        label,
        "varchar(200)",
        f"'{COUNTY}' || pick(d, '{name}t', {listed(TOWNS)}) || pick(d, '{name}s', {listed(STREETS)}) || "
        f"(1 + r(d, '{name}n', 300)) || '号'",
    )


def named(name: str, label: str, middles: str, ending: str) -> Column:
    """The name of an institution, such as 云栖县青禾镇第三小学."""
    return C(
        name,
        label,
        "varchar(200)",
        f"'{COUNTY}' || pick(d, '{name}t', {listed(TOWNS)}) || pick(d, '{name}m', {listed(tuple(middles.split('|')))})"
        f" || '{ending}'",
    )


GENDER = C("xb", "性别", "varchar(4)", "p.sex")
BIRTH = C("csrq", "出生日期", "date", "p.birth_told")
NATION = C("mz", "民族", "varchar(20)", "p.nation")
TOWN = C("xz", "所属乡镇街道", "varchar(40)", "p.town")
FIRM_TOWN = C("szxz", "所在乡镇街道", "varchar(40)", "f.town")
ORDINAL = "第一|第二|第三|第四|第五|实验|中心|明德"

DATASETS: tuple[Dataset, ...] = (
    Dataset(
        "ga_rk",
        "rk_jbxx",
        "人口基本信息",
        "Basic data of residents",
        200_000,
        (
            number("rybh", "人员编号", "RY"),
            SFZH,
            XM,
            GENDER,
            BIRTH,
            NATION,
            DZ,
            LXDH,
            coded("hkzt", "户口状态", "正常|正常|正常|正常|迁出|注销"),
            GXSJ,
        ),
        key="rybh",
    ),
    Dataset(
        "ga_rk",
        "hj_bd",
        "户籍变动信息",
        "Changes of household registration",
        20_000,
        (
            number("bdbh", "变动编号", "BD"),
            SFZH,
            XM,
            coded("bdlx", "变动类型", "迁入|迁出|出生登记|死亡注销|姓名变更"),
            day("bdrq", "变动日期", "2020-01-01", 2100),
            TOWN,
        ),
        key="bdbh",
    ),
    Dataset(
        "ga_rk",
        "jzz",
        "居住证信息",
        "Residence permits",
        8_000,
        (
            number("zjbh", "证件编号", "JZ"),
            SFZH,
            XM,
            DZ,
            day("qfrq", "签发日期", "2021-01-01", 1700),
            C("yxqz", "有效期至", "date", "DATE '2022-01-01' + CAST(r(d, 'qfrq', 1700) AS INTEGER)"),
        ),
        key="zjbh",
    ),
    Dataset(
        "ga_rk",
        "jdc",
        "机动车登记信息",
        "Motor vehicles",
        15_000,
        (
            number("jdcbh", "机动车编号", "JD"),
            SFZH,
            XM,
            coded("cllx", "车辆类型", "小型轿车|小型轿车|轻型货车|摩托车|中型客车"),
            day("djrq", "登记日期", "2008-01-01", 6500),
            coded("zt", "状态", "正常|正常|正常|转出|注销|查封"),
        ),
        key="jdcbh",
        born=("1950-01-01", "2006-12-31"),
    ),
    Dataset(
        "mz_hy",
        "hy_dj",
        "婚姻登记信息",
        "Marriage registrations",
        12_000,
        (
            number("djbh", "登记编号", "HY"),
            C("nfxm", "男方姓名", "varchar(60)", "p.name"),
            C("nfsfzh", "男方身份号码", "varchar(18)", "p.id_told"),
            C(
                "nvfxm",
                "女方姓名",
                "varchar(60)",
                f"(SELECT name FROM people q WHERE q.person = (i * 7 + 3) % {PEOPLE})",
            ),
            coded("djlx", "登记类型", "结婚|结婚|结婚|离婚|补领"),
            day("djrq", "登记日期", "2010-01-01", 5800),
        ),
        key="djbh",
        born=("1960-01-01", "2003-12-31"),
    ),
    Dataset(
        "mz_hy",
        "yl_jg",
        "养老机构信息",
        "Homes for the elderly",
        60,
        (
            number("jgbh", "机构编号", "YL", 4),
            named("jgmc", "机构名称", "康乐|福寿|夕阳红|安康|颐和", "养老院"),
            place("dz", "地址"),
            whole("cws", "床位数", 30, 300),
            coded("xz", "机构性质", "公办|民办|公建民营"),
            LXDH,
        ),
        key="jgbh",
    ),
    Dataset(
        "mz_hy",
        "yl_bt",
        "高龄津贴发放信息",
        "Old-age allowances",
        9_000,
        (
            number("ffbh", "发放编号", "GL"),
            SFZH,
            XM,
            money("je", "津贴金额（元）", 50, 500),
            C(
                "ffny",
                "发放年月",
                "varchar(7)",
                "strftime(DATE '2024-01-01' + CAST(r(d, 'ffny', 700) AS INTEGER), '%Y-%m')",
            ),
        ),
        key="ffbh",
        born=("1932-01-01", "1946-12-31"),
    ),
    Dataset(
        "mz_jz",
        "db_jt",
        "低保家庭信息",
        "Households on minimum living allowance",
        6_000,
        (
            number("jtbh", "家庭编号", "DB"),
            C("hzxm", "户主姓名", "varchar(60)", "p.name"),
            C("hzsfzh", "户主身份号码", "varchar(18)", "p.id_told"),
            whole("rksl", "家庭人口数", 1, 6),
            money("yrjsr", "月人均收入（元）", 120, 900),
            money("ybzje", "月保障金额（元）", 200, 3200),
            coded("dblb", "低保类别", "城市低保|农村低保|农村低保"),
            day("hprq", "核批日期", "2019-01-01", 2400),
            C("lxdh", "联系电话", "varchar(20)", "p.phone_told"),
            DZ,
            TOWN,
        ),
        key="jtbh",
        born=("1940-01-01", "2004-12-31"),
    ),
    Dataset(
        "mz_jz",
        "db_cy",
        "低保家庭成员信息",
        "Members of these households",
        14_000,
        (
            number("cybh", "成员编号", "CY"),
            C("jtbh", "家庭编号", "varchar(10)", "'DB' || lpad(CAST(1 + i % 6000 AS VARCHAR), 8, '0')"),
            SFZH,
            XM,
            GENDER,
            coded("yhzgx", "与户主关系", "户主|配偶|子女|子女|父母|孙子女"),
        ),
        key="cybh",
    ),
    Dataset(
        "mz_jz",
        "tk_ry",
        "特困人员信息",
        "Persons in extreme hardship",
        1_500,
        (
            number("tkbh", "特困编号", "TK"),
            SFZH,
            XM,
            coded("gyfs", "供养方式", "集中供养|分散供养|分散供养"),
            coded("zlnl", "自理能力", "全自理|半护理|全护理"),
            day("rdrq", "认定日期", "2018-01-01", 2700),
        ),
        key="tkbh",
    ),
    Dataset(
        "rs_sb",
        "cb_xx",
        "养老保险参保信息",
        "Pension insurance",
        60_000,
        (
            number("grbh", "个人编号", "CB"),
            SFZH,
            XM,
            coded("xz", "险种", "城乡居民养老保险|城镇职工养老保险"),
            coded("cbzt", "参保状态", "正常参保|正常参保|正常参保|暂停缴费|终止"),
            day("cbrq", "参保日期", "2005-01-01", 7600),
            GXSJ,
        ),
        key="grbh",
        born=("1950-01-01", "2008-12-31"),
    ),
    Dataset(
        "rs_sb",
        "yl_ff",
        "养老金发放信息",
        "Pension payments",
        30_000,
        (
            number("ffbh", "发放编号", "FF"),
            SFZH,
            XM,
            money("je", "发放金额（元）", 180, 6000),
            C(
                "ffny",
                "发放年月",
                "varchar(7)",
                "'2025-' || lpad(CAST(1 + r(d, 'ffny', 12) AS VARCHAR), 2, '0')",
            ),
        ),
        key="ffbh",
        born=("1932-01-01", "1965-12-31"),
    ),
    Dataset(
        "rs_sb",
        "sbk",
        "社会保障卡信息",
        "Social security cards",
        40_000,
        (
            number("kh", "卡号", "SK", 9),
            SFZH,
            XM,
            day("fkrq", "发卡日期", "2015-01-01", 4000),
            coded("kzt", "卡状态", "正常|正常|正常|正常|挂失|注销"),
        ),
        key="kh",
    ),
    Dataset(
        "rs_jy",
        "jy_dj",
        "就业登记信息",
        "Employment registrations",
        18_000,
        (
            number("djbh", "登记编号", "JY"),
            SFZH,
            XM,
            QYMC,
            TYSHXYDM,
            day("jyrq", "就业日期", "2017-01-01", 3200),
        ),
        key="djbh",
        born=("1962-01-01", "2006-12-31"),
    ),
    Dataset(
        "rs_jy",
        "sy_dj",
        "失业登记信息",
        "Unemployment registrations",
        3_000,
        (
            number("sybh", "登记编号", "SY"),
            SFZH,
            XM,
            day("syrq", "失业日期", "2021-01-01", 1800),
            coded("syyy", "失业原因", "合同期满|企业裁员|个人原因|企业关停"),
        ),
        key="sybh",
        born=("1968-01-01", "2005-12-31"),
    ),
    Dataset(
        "sj_zt",
        "qy_dj",
        "企业登记信息",
        "Registered companies",
        10_000,
        (
            TYSHXYDM,
            QYMC,
            C("fddbr", "法定代表人", "varchar(60)", "(SELECT name FROM people q WHERE q.person = f.legal)"),
            C("zczb", "注册资本（万元）", "decimal(12,2)", "CAST(f.capital AS DECIMAL(12,2))"),
            C("clrq", "成立日期", "date", "f.founded"),
            C("hy", "行业", "varchar(40)", "f.trade"),
            C("zs", "住所", "varchar(200)", "f.address"),
            FIRM_TOWN,
            coded("djzt", "登记状态", "存续|存续|存续|存续|注销|吊销"),
        ),
        repeats=True,
    ),
    Dataset(
        "sj_zt",
        "gt_dj",
        "个体工商户登记信息",
        "Self-employed businesses",
        16_000,
        (
            number("zch", "注册号", "GT", 10),
            C("zhmc", "字号名称", "varchar(200)", "f.town || p.name || '经营部'"),
            C("jyz", "经营者", "varchar(60)", "p.name"),
            SFZH,
            day("zcrq", "注册日期", "2012-01-01", 4900),
            DZ,
        ),
        key="zch",
        born=("1955-01-01", "2005-12-31"),
    ),
    Dataset(
        "sj_zt",
        "sp_xk",
        "食品经营许可信息",
        "Food business licences",
        5_000,
        (
            number("xkzh", "许可证号", "SP", 12),
            QYMC,
            TYSHXYDM,
            coded("ztyt", "主体业态", "餐饮服务|食品销售|单位食堂"),
            day("fzrq", "发证日期", "2020-01-01", 2000),
            C("yxqz", "有效期至", "date", "DATE '2025-01-01' + CAST(r(d, 'fzrq', 2000) AS INTEGER)"),
        ),
        key="xkzh",
    ),
    Dataset(
        "sj_zt",
        "tz_sb",
        "特种设备登记信息",
        "Special equipment",
        2_000,
        (
            number("sbdm", "设备代码", "TZ"),
            coded("sblb", "设备类别", "电梯|锅炉|压力容器|起重机械"),
            QYMC,
            TYSHXYDM,
            day("xcjy", "下次检验日期", "2025-06-01", 900),
        ),
        key="sbdm",
    ),
    Dataset(
        "wj_ws",
        "cs_yx",
        "出生医学证明信息",
        "Medical certificates of birth",
        6_000,
        (
            number("cszh", "出生证编号", "CS", 9),
            C("xsexm", "新生儿姓名", "varchar(60)", "p.name"),
            GENDER,
            day("csrq", "出生日期", "2018-01-01", 2800),
            C("mqsfzh", "母亲身份号码", "varchar(18)", "p.id_told"),
        ),
        key="cszh",
        born=("1975-01-01", "2003-12-31"),
    ),
    Dataset(
        "wj_ws",
        "sw_yx",
        "死亡医学证明信息",
        "Medical certificates of death",
        2_500,
        (
            number("swzh", "证明编号", "SW"),
            SFZH,
            XM,
            day("swrq", "死亡日期", "2021-01-01", 1800),
            coded("swyy", "死亡原因分类", "循环系统疾病|肿瘤|呼吸系统疾病|损伤和中毒|其他"),
        ),
        key="swzh",
    ),
    Dataset(
        "wj_ws",
        "jm_da",
        "居民健康档案信息",
        "Health records of residents",
        25_000,
        (
            number("dabh", "档案编号", "DA"),
            SFZH,
            XM,
            LXDH,
            coded("xx", "血型", "A|B|O|AB|不详"),
            coded("mbqk", "慢病情况", "无|无|无|高血压|糖尿病"),
            GXSJ,
        ),
        key="dabh",
    ),
    Dataset(
        "wj_jg",
        "医疗机构",
        "医疗机构信息",
        "Medical institutions",
        220,
        (
            number("jgdm", "机构代码", "YY", 6),
            named("jgmc", "机构名称", "中心|仁和|安民|惠民|康宁", "卫生院"),
            place("dz", "地址"),
            coded("jb", "等级", "一级|一级|二级|未定级"),
            whole("cws", "床位数", 0, 400),
        ),
        key="jgdm",
    ),
    Dataset(
        "jy_xj",
        "xx_xx",
        "学校信息",
        "Schools",
        140,
        (
            number("xxdm", "学校代码", "XX", 6),
            named("xxmc", "学校名称", ORDINAL, "小学"),
            place("dz", "地址"),
            coded("bxlx", "办学类型", "小学|小学|初中|九年一贯制|高中"),
            whole("xss", "学生数", 80, 2400),
        ),
        key="xxdm",
    ),
    Dataset(
        "jy_xj",
        "xs_xj",
        "学生学籍信息",
        "Enrolled pupils",
        16_000,
        (
            number("xjh", "学籍号", "G", 10),
            SFZH,
            XM,
            GENDER,
            C(
                "xxdm",
                "学校代码",
                "varchar(8)",
                "'XX' || lpad(CAST(1 + r(d, 'school', 140) AS VARCHAR), 6, '0')",
            ),
            coded("nj", "年级", "一年级|二年级|三年级|四年级|五年级|六年级|七年级|八年级|九年级"),
        ),
        key="xjh",
        born=("2010-09-01", "2019-08-31"),
    ),
    Dataset(
        "jy_xj",
        "js_zg",
        "教师资格信息",
        "Teaching qualifications",
        2_800,
        (
            number("zsh", "证书号", "JS", 10),
            SFZH,
            XM,
            coded("xk", "任教学科", "语文|数学|英语|物理|化学|体育|音乐"),
            day("qdrq", "取得日期", "1998-01-01", 9800),
        ),
        key="zsh",
        born=("1966-01-01", "2002-12-31"),
    ),
    Dataset(
        "zj_bz",
        "公租房",
        "公租房保障信息",
        "Public rental housing",
        2_400,
        (
            number("bzbh", "保障编号", "GZ"),
            SFZH,
            XM,
            money("yzj", "月租金（元）", 80, 900),
            whole("mj", "面积（平方米）", 28, 90),
            day("rzrq", "入住日期", "2014-01-01", 4300),
        ),
        key="bzbh",
    ),
    Dataset(
        "zj_bz",
        "物业企业",
        "物业服务企业信息",
        "Property management firms",
        160,
        (number("bh", "编号", "WY", 4), QYMC, TYSHXYDM, whole("xms", "服务项目数", 1, 24), LXDH),
        key="bh",
    ),
    Dataset(
        "sw_qs",
        "water_stations",
        "取水许可信息",
        "Water abstraction licences",
        420,
        (
            number("xkbh", "许可编号", "QS", 5),
            QYMC,
            TYSHXYDM,
            place("qsdd", "取水地点"),
            money("nqsl", "年取水量（万立方米）", 1, 900),
            day("yxqz", "有效期至", "2025-03-01", 1500),
        ),
        key="xkbh",
    ),
    Dataset(
        "sw_sz",
        "water_quality",
        "水质监测信息",
        "Water quality measurements",
        12_000,
        (
            number("jcbh", "监测编号", "SZ"),
            C(
                "zdbh",
                "站点编号",
                "varchar(7)",
                "'QS' || lpad(CAST(1 + r(d, 'station', 420) AS VARCHAR), 5, '0')",
            ),
            day("jcrq", "监测日期", "2024-01-01", 700),
            money("ph", "酸碱度", 6, 9),
            money("zd", "浊度", 0, 5),
            coded("jl", "结论", "合格|合格|合格|合格|不合格"),
        ),
        repeats=True,
    ),
    Dataset(
        "cl_cj",
        "残疾人",
        "残疾人证信息",
        "Disability certificates",
        4_800,
        (
            number("cjzh", "残疾证编号", "CJ"),
            SFZH,
            XM,
            coded("cjlb", "残疾类别", "肢体|视力|听力|言语|智力|精神|多重"),
            coded("cjdj", "残疾等级", "一级|二级|三级|四级"),
            day("fzrq", "发证日期", "2012-01-01", 4900),
            TOWN,
        ),
        repeats=True,
    ),
    Dataset(
        "cl_cj",
        "辅具",
        "辅助器具适配信息",
        "Assistive devices",
        1_100,
        (
            number("spbh", "适配编号", "FJ"),
            SFZH,
            XM,
            coded("fjmc", "辅具名称", "轮椅|助听器|拐杖|护理床|盲杖"),
            day("sprq", "适配日期", "2020-01-01", 2000),
        ),
        key="spbh",
    ),
    Dataset(
        "yb_cb",
        "yb_cb",
        "医疗保险参保信息",
        "Medical insurance",
        80_000,
        (
            number("grbh", "个人编号", "YB"),
            SFZH,
            XM,
            coded("xz", "险种", "城乡居民基本医疗保险|职工基本医疗保险"),
            coded("cbzt", "参保状态", "正常参保|正常参保|正常参保|中断"),
            whole("cbnd", "参保年度", 2022, 2026),
            GXSJ,
        ),
        key="grbh",
    ),
    Dataset(
        "yb_cb",
        "dd_jg",
        "定点医药机构信息",
        "Contracted clinics and pharmacies",
        480,
        (
            number("jgbh", "机构编号", "DD", 6),
            named("jgmc", "机构名称", "仁爱|惠民|康宁|同济|百姓", "大药房"),
            TYSHXYDM,
            place("dz", "地址"),
            coded("jglx", "机构类型", "定点医院|定点药店|定点药店"),
        ),
        key="jgbh",
    ),
    Dataset(
        "yb_cb",
        "yl_jz",
        "医疗救助信息",
        "Medical assistance",
        3_600,
        (
            number("jzbh", "救助编号", "JZ"),
            SFZH,
            XM,
            money("jzje", "救助金额（元）", 200, 20000),
            day("jzrq", "救助日期", "2023-01-01", 1000),
            coded("rylb", "人员类别", "低保对象|特困人员|低保边缘|其他"),
        ),
        key="jzbh",
    ),
    Dataset(
        "jd_wg",
        "wg_yh",
        "网格员信息",
        "Grid workers",
        260,
        (number("wgbh", "网格编号", "WG", 5), XM, LXDH, TOWN, whole("hs", "覆盖户数", 120, 480)),
        key="wgbh",
        born=("1965-01-01", "2004-12-31"),
    ),
    Dataset(
        "jd_wg",
        "dj_lr",
        "独居老人走访信息",
        "Visits to elderly living alone",
        7_000,
        (
            number("zfbh", "走访编号", "ZF"),
            SFZH,
            XM,
            DZ,
            day("zfrq", "走访日期", "2025-01-01", 340),
            coded("qk", "情况", "良好|良好|良好|需关注|已转介"),
        ),
        key="zfbh",
        born=("1932-01-01", "1950-12-31"),
    ),
    Dataset(
        "zr_bdc",
        "bdc_dj",
        "不动产登记信息",
        "Real estate registrations",
        18_000,
        (
            number("bdcdyh", "不动产单元号", "BDC", 10),
            SFZH,
            C("qlr", "权利人", "varchar(60)", "p.name"),
            place("zl", "坐落"),
            money("mj", "面积（平方米）", 45, 220),
            day("djrq", "登记日期", "2009-01-01", 6200),
            coded("qllx", "权利类型", "国有建设用地使用权/房屋所有权|抵押权"),
        ),
        key="bdcdyh",
    ),
    Dataset(
        "zr_bdc",
        "jsyd",
        "建设用地规划许可信息",
        "Land use permits",
        640,
        (
            number("xkzh", "许可证号", "YD", 8),
            QYMC,
            TYSHXYDM,
            place("ydwz", "用地位置"),
            money("ydmj", "用地面积（公顷）", 0, 30),
            day("fzrq", "发证日期", "2015-01-01", 4000),
        ),
        key="xkzh",
    ),
)
"""The county's tables. The faults come with the people and firms they are about (`generate.DIRT`)."""
