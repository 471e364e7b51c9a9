// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IFineTuningTypes} from "../interfaces/IFineTuningTypes.sol";
import {ITaskEscrow} from "../interfaces/ITaskEscrow.sol";
import {ServingState} from "./ServingState.sol";

/// @title What fine-tuning adds to the state of a serving contract.
/// @dev Deliverables are a ring of twenty per sub-account: `_rings[p][u]` is one word (head 8, count 8, round 64).
/// Ids and deliverables lie under the round, so closing a sub-account forgets them all by counting the round up,
/// whatever their size.
abstract contract FineTuningState is IFineTuningTypes, ServingState {
    /// @dev The signer and its acknowledgement lie in the provider's word.
    struct Offer {
        string url;
        Quota quota;
        uint256 pricePerToken;
        bool occupied;
        string[] models;
    }

    struct Ring {
        uint8 head;
        uint8 count;
        uint64 round;
    }

    // slither-disable-start uninitialized-state: contract and desk share it, each writes a part
    mapping(address provider => mapping(address user => Ring)) internal _rings;
    mapping(bytes32 ringKey => mapping(uint256 place => bytes32 idHash)) internal _ids;
    mapping(bytes32 ringKey => mapping(bytes32 idHash => Deliverable)) internal _deliverables;
    mapping(address provider => Offer) internal _offers;
    mapping(bytes32 order => ITaskEscrow.Task) internal _tasks;
    // slither-disable-end uninitialized-state

    function _find(address user, address provider, string memory id)
        internal
        view
        returns (Deliverable storage)
    {
        bytes32 key = _ringKey(user, provider, _rings[provider][user].round);
        return _deliverables[key][keccak256(bytes(id))];
    }

    function _ringKey(address user, address provider, uint64 round) internal pure returns (bytes32) {
        return keccak256(abi.encode(user, provider, round));
    }

    function _checkLength(uint256 length, uint256 maximum) internal pure {
        if (length > maximum) revert TextTooLong(length, maximum);
    }

    /* ERRORS IN THIS CONTRACT'S SHAPE */

    function _refuseCaller() internal pure override {
        revert CallerNotLedger();
    }

    function _refuseLockTime(uint256 value, uint256) internal pure override {
        revert LockTimeOutOfRange(value);
    }

    function _refuseRefund() internal pure override {
        revert TransferToLedgerFailed();
    }
}
