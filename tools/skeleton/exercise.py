# -- 9.9-a: what passes -------------------------------------------------------------------------------------------

NUMBERS_99 = table(-2.0, 3.0, 0.5, -0.5)


def passed_99(x: Tensor) -> Tensor:
    return F.relu(x)


def nothing_dropped_99(x: Tensor) -> Tensor:
    return x


def sign_dropped_99(x: Tensor) -> Tensor:
    return x.abs()


def other_side_99(x: Tensor) -> Tensor:
    return -F.relu(-x)


Exercise(
    "9.9-a",
    passed_99,
    {
        nothing_dropped_99: "Nothing is dropped: what is below zero becomes zero.",
        sign_dropped_99: "The sign is dropped: what is below zero becomes zero, not positive.",
        other_side_99: "The other side is kept: what is above zero passes.",
    },
    cases=((NUMBERS_99,),),
)
