"""Made-up people and firms with right check digits, in plain Python: the reference for what the SQL says."""

from __future__ import annotations

import random

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def id_check(first: str) -> str:
    """The last character of an identity number, from its first seventeen (GB 11643)."""
    total = sum(int(digit) * (2 ** (17 - index) % 11) for index, digit in enumerate(first))
    return "10X98765432"[total % 11]


def id_card(chance: random.Random) -> str:
    first = f"{chance.choice(['330726', '310107', '620702'])}{chance.randint(1940, 2015)}"
    first += f"{chance.randint(1, 12):02}{chance.randint(1, 28):02}{chance.randint(0, 999):03}"
    return first + id_check(first)


def uscc_check(first: str) -> str:
    """The last character of a unified social credit code, from its first seventeen (GB 32100)."""
    total = sum(ALPHABET.index(char) * weight for char, weight in zip(first, WEIGHTS, strict=True))
    return ALPHABET[(31 - total % 31) % 31]


def uscc(chance: random.Random) -> str:
    first = "91" + f"{chance.randint(100000, 659999)}" + "".join(chance.choices(ALPHABET, k=9))
    return first + uscc_check(first)


def luhn(first: str) -> str:
    """The last digit of a card number."""
    total = 0
    for index, digit in enumerate(reversed(first)):
        value = int(digit) * (2 if index % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def bank_card(chance: random.Random) -> str:
    first = "62" + "".join(chance.choices("0123456789", k=chance.choice([13, 14, 16])))
    return first + luhn(first)


def name(chance: random.Random) -> str:
    return chance.choice("王李张刘陈杨赵黄周吴") + "".join(
        chance.choices("明华芳军敏静磊洋艳勇杰娟涛", k=chance.randint(1, 2))
    )


def phone(chance: random.Random) -> str:
    return f"1{chance.choice('3578')}{chance.randint(10**8, 10**9 - 1)}"


def address(chance: random.Random) -> str:
    town = chance.choice(["浦阳街道", "黄宅镇", "虞宅乡"])
    return f"浙江省金华市浦江县{town}人民路{chance.randint(1, 999)}号"
