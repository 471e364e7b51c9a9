// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {FineTuningServices} from "./FineTuningServices.sol";

/// @title What providers delivered.
abstract contract FineTuningDeliverables is FineTuningServices {
    uint256 private constant RING_SIZE = 20;
    uint256 private constant MAX_ID_LENGTH = 256;
    uint256 private constant MAX_ROOT_LENGTH = 1024;

    /// @dev See IFineTuningServing.
    function addDeliverable(address user, string memory id, bytes memory modelRootHash) external {
        // Check
        _checkId(id);
        _requireAccount(user, msg.sender);
        _checkLength(modelRootHash.length, MAX_ROOT_LENGTH);
        Deliverable storage entry = _find(user, msg.sender, id);
        if (entry.timestamp != 0) revert DeliverableAlreadyExists(id);
        Ring storage ring = _rings[msg.sender][user];
        bytes32 key = _ringKey(user, msg.sender, ring.round);
        _checkNewest(key, ring);

        // Effect
        uint256 place = (uint256(ring.head) + ring.count) % RING_SIZE;
        if (ring.count == RING_SIZE) _evictOldest(key, ring, user, id);
        else ++ring.count;
        _ids[key][place] = keccak256(bytes(id));
        entry.id = id;
        entry.modelRootHash = modelRootHash;
        entry.timestamp = uint248(block.timestamp);
        emit DeliverableAdded(user, msg.sender, id, modelRootHash, block.timestamp);
    }

    /// @dev See IFineTuningServing.
    function acknowledgeDeliverable(address provider, string memory id) external {
        _requireAccount(msg.sender, provider);
        Deliverable storage entry = _require(msg.sender, provider, id);
        if (entry.settled) revert CannotAcknowledgeSettledDeliverable(id);

        entry.acknowledged = true;
        emit DeliverableAcknowledged(msg.sender, provider, id, block.timestamp);
    }

    /// @dev See IFineTuningServing.
    function abandonDeliverable(address user, string memory id) external {
        _requireAccount(user, msg.sender);
        Deliverable storage entry = _require(user, msg.sender, id);
        if (entry.settled) revert CannotAbandonSettledDeliverable(id);

        entry.acknowledged = true;
        entry.settled = true;
        emit DeliverableAbandoned(user, msg.sender, id, block.timestamp);
    }

    /// @dev See IFineTuningServing.
    function getDeliverable(address user, address provider, string memory id)
        external
        view
        returns (Deliverable memory)
    {
        return _require(user, provider, id);
    }

    /// @dev See IFineTuningServing.
    function getDeliverables(address user, address provider) public view returns (Deliverable[] memory) {
        Ring storage ring = _rings[provider][user];
        bytes32 key = _ringKey(user, provider, ring.round);
        Deliverable[] memory deliverables = new Deliverable[](ring.count);
        for (uint256 i; i < deliverables.length; ++i) {
            deliverables[i] = _deliverables[key][_ids[key][(ring.head + i) % RING_SIZE]];
        }
        return deliverables;
    }

    /* INTERNALS */

    function _require(address user, address provider, string memory id)
        internal
        view
        returns (Deliverable storage entry)
    {
        entry = _find(user, provider, id);
        if (entry.timestamp == 0) revert DeliverableNotExists(id);
    }

    function _checkId(string memory id) internal pure {
        uint256 length = bytes(id).length;
        if (length == 0 || length > MAX_ID_LENGTH) revert DeliverableIdInvalidLength(length);
    }

    /// @dev One that was settled without acknowledgement is finished too.
    function _checkNewest(bytes32 key, Ring storage ring) private view {
        if (ring.count == 0) return;
        uint256 newest = (uint256(ring.head) + ring.count - 1) % RING_SIZE;
        Deliverable storage entry = _deliverables[key][_ids[key][newest]];
        if (!entry.acknowledged && !entry.settled) revert PreviousDeliverableNotAcknowledged(entry.id);
    }

    function _evictOldest(bytes32 key, Ring storage ring, address user, string memory newId) private {
        bytes32 idHash = _ids[key][ring.head];
        Deliverable storage oldest = _deliverables[key][idHash];
        string memory id = oldest.id;
        if (!oldest.settled) revert CannotEvictUnsettledDeliverable(id);

        delete _deliverables[key][idHash];
        ring.head = uint8((ring.head + 1) % RING_SIZE);
        emit DeliverableEvicted(msg.sender, user, id, newId, block.timestamp);
    }
}
