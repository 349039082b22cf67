"""Muon, an optimizer for the kernels of convolutions and dense layers.

It is written against `keras` alone. Keras' own `keras.optimizers.Muon` leaves every
kernel with more than two axes, so all convolutions, to AdamW.
"""

from alexnet_helpers import checks, load_keras

keras = load_keras()
ops = keras.ops


def _orthogonalized(matrix, steps=5):
    """Return the nearest matrix to `matrix` whose singular values are all about 1.

    Newton-Schulz iteration: each step maps every singular value s to a s + b s**3 + c
    s**5, which drives all of them towards 1 (to between 0.7 and 1.2) and leaves the
    singular vectors alone. Only matrix products are needed (Jordan et al., "Muon",
    2024).

    Parameters
    ----------
    matrix : tensor, shape (rows, columns)
    steps : int
        Five are enough for singular values from 0.01 of the norm.

    Returns
    -------
    tensor, shape (rows, columns)

    Examples
    --------
    >>> stretched = ops.convert_to_tensor([[30.0, 0.0], [0.0, 2.0]])
    >>> ops.convert_to_numpy(_orthogonalized(stretched)).round(1)
    array([[0.7, 0. ],
           [0. , 1.1]], dtype=float32)
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    is_wide = matrix.shape[0] < matrix.shape[1]
    x = matrix if is_wide else ops.transpose(matrix)  # so that x x^T is small
    x = x / (ops.sqrt(ops.sum(ops.square(x))) + 1e-7)
    for _ in range(steps):
        square = ops.matmul(x, ops.transpose(x))
        x = a * x + ops.matmul(b * square + c * ops.matmul(square, square), x)
    return x if is_wide else ops.transpose(x)


@keras.saving.register_keras_serializable(package="alexnet_helpers")
class Muon(keras.optimizers.Optimizer):
    """Nesterov momentum, with steps that are orthogonalized for kernels.

    A kernel is seen as a matrix with one column for each filter. Its step, by Nesterov
    momentum, is replaced by the nearest orthogonal matrix, so that no direction of the
    step dominates. Before the step the kernel is scaled to a root mean square column
    length of 1: with batch normalization behind the layer the scale has no effect on
    its output, and `learning_rate` is then the relative size of a step. (So only
    kernels that are followed by batch normalization may be in `orthogonal`.)

    All other variables take steps of Nesterov momentum with the rate
    `learning_rate * plain_rate`.

    Parameters
    ----------
    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule
        Of the kernels.
    momentum, plain_momentum : float
        Of the kernels, and of everything else.
    plain_rate : float
        The rate of everything else, as a factor on `learning_rate`.
    orthogonal : sequence of str
        How the paths of the kernels that are orthogonalized end: "conv2/kernel".

    References
    ----------
    K. Jordan et al., "Muon: An optimizer for hidden layers", 2024; for CIFAR-10
    KellerJordan/cifar10-airbench.

    Examples
    --------
    >>> optimizer = Muon(0.1, orthogonal=["conv2/kernel"])
    >>> optimizer.get_config()["orthogonal"]
    ('conv2/kernel',)
    """

    def __init__(
        self,
        learning_rate=0.2,
        momentum=0.6,
        plain_momentum=0.85,
        plain_rate=0.25,
        orthogonal=(),
        name="muon",
        **kwargs,
    ):
        schedules = keras.optimizers.schedules
        if isinstance(learning_rate, dict) and learning_rate:  # of a saved model
            learning_rate = schedules.deserialize(learning_rate)
        if not isinstance(learning_rate, schedules.LearningRateSchedule):
            learning_rate = checks.number("learning_rate", learning_rate, above=0)
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        share = {"lowest": 0, "below": 1}
        self.momentum = checks.number("momentum", momentum, **share)
        self.plain_momentum = checks.number("plain_momentum", plain_momentum, **share)
        self.plain_rate = checks.number("plain_rate", plain_rate, above=0)
        needed = "a list of kernels' names"
        self.orthogonal = checks.texts("orthogonal", orthogonal, needed)

    def build(self, variables):
        """Make one momentum for each variable."""
        if self.built:
            return
        super().build(variables)
        self.is_kernel = [one.path.endswith(self.orthogonal) for one in variables]
        self.momentums = [
            self.add_variable_from_reference(variable, name="momentum")
            for variable in variables
        ]

    def update_step(self, gradient, variable, learning_rate):
        """Take one step for one variable."""
        number = self._get_variable_index(variable)
        velocity, is_kernel = self.momentums[number], self.is_kernel[number]
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        momentum = self.momentum if is_kernel else self.plain_momentum
        self.assign(velocity, momentum * velocity + gradient)
        step = gradient + momentum * velocity  # Nesterov: one step further along
        if not is_kernel:
            self.assign_sub(variable, rate * self.plain_rate * step)
            return
        filters = variable.shape[-1]
        direction = _orthogonalized(ops.reshape(step, (-1, filters)))
        scaled = variable * (filters**0.5 / ops.sqrt(ops.sum(ops.square(variable))))
        self.assign(variable, scaled - rate * ops.reshape(direction, variable.shape))

    def get_config(self):
        """Return the settings, so that a saved model can be read."""
        names = ("momentum", "plain_momentum", "plain_rate", "orthogonal")
        return super().get_config() | {name: getattr(self, name) for name in names}
