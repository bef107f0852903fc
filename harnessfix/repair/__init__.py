"""What `repair` and `memory` do, without a face: propose, apply and undo patches, hand them over, remember them."""
