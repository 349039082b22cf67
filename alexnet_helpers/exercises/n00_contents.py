"""The exercises of notebook 00_contents."""

from alexnet_helpers.exercises.engine import exercise

exercise(
    "00.1",
    2012,
    hints=[
        (2009, "That is when ImageNet was published; the contest began in 2010."),
        (2010, "That was the first contest."),
        (2011, "That was the year before."),
        (
            2013,
            "That was the year after: by then every good entry was a convolutional network.",
        ),
        (2014, "That was two years later."),
        (2015, "That was the year of ResNet."),
        (12, "Write the year with four digits."),
    ],
)
