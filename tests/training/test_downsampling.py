"""Resolution: averages of squares of pixels, and images enlarged again."""

import torch

from redl.training.downsampling import downsampled


def image(*rows):
    return torch.tensor([[rows]], dtype=torch.uint8)


def test_full_resolution_is_left_alone():
    some = torch.randint(0, 256, (3, 1, 4, 4), dtype=torch.uint8)
    assert some is downsampled(some, downsample=1, input_size=4)


def test_squares_are_averaged_and_rounded():
    found = downsampled(image([0, 1, 10, 20], [2, 3, 30, 40]), downsample=2, input_size=2)
    assert [[2, 25]] == found[0, 0].tolist()


def test_a_network_that_takes_no_smaller_images_gets_each_pixel_repeated():
    corners = image([0, 0, 8, 8], [0, 0, 8, 8], [4, 4, 6, 6], [4, 4, 6, 6])
    found = downsampled(corners, downsample=2, input_size=4)
    assert torch.equal(corners, found)


def test_images_stay_bytes_and_take_a_share_of_the_memory():
    some = torch.randint(0, 256, (300, 1, 8, 8), dtype=torch.uint8)
    found = downsampled(some, downsample=4, input_size=2)
    assert (torch.uint8, (300, 1, 2, 2)) == (found.dtype, found.shape)
    assert some.nbytes == 16 * found.nbytes


def test_every_image_is_its_own_average():
    some = torch.randint(0, 256, (600, 1, 4, 4), dtype=torch.uint8)
    expected = some.double().mean(dim=(1, 2, 3)).round()
    assert torch.equal(expected, downsampled(some, downsample=4, input_size=1).double().flatten())
