"""A model hub that cannot be reached."""

import timm


def cut_off_hub(monkeypatch):
    """Let timm build networks, but find no weights for them."""
    create = timm.create_model

    def create_offline(name, *, pretrained=False, **options):
        if pretrained:
            raise OSError("no route to host")
        return create(name, **options)

    monkeypatch.setattr(timm, "create_model", create_offline)
