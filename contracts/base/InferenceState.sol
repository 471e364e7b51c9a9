// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IInferenceTypes} from "../interfaces/IInferenceTypes.sol";
import {ServingState} from "./ServingState.sol";

/// @title What inference adds to the state of a serving contract.
abstract contract InferenceState is IInferenceTypes, ServingState {
    /// @dev The signer and its acknowledgement lie in the provider's word.
    struct Offer {
        string serviceType;
        string url;
        uint256 inputPrice;
        uint256 outputPrice;
        uint256 updatedAt;
        string model;
        string verifiability;
        string additionalInfo;
    }

    /// @dev One word.
    struct Delegation {
        uint56 capGwei;
        uint40 expiry;
        address user;
    }

    mapping(address provider => Offer) internal _offers;
    mapping(address provider => mapping(address user => uint256)) internal _revokedBitmaps;
    mapping(address provider => address) internal _payees;
    mapping(address provider => mapping(address sessionKey => Delegation)) internal _delegations;
    /// @dev Since when the payer's sub-account was open again when the key was delegated; zero when never closed.
    mapping(address provider => mapping(address sessionKey => uint256)) internal _delegationLives;

    function _revokeAll(address user, address provider) internal {
        uint48 generation = ++_sides[provider][user].generation;
        _revokedBitmaps[provider][user] = 0;
        emit AllTokensRevoked(user, provider, generation);
    }

    /* ERRORS IN THIS CONTRACT'S SHAPE */

    function _refuseCaller() internal view override {
        revert CallerNotLedger(msg.sender);
    }

    function _refuseLockTime(uint256 value, uint256 minimum) internal pure override {
        revert LockTimeOutOfRange(value, minimum, MAX_LOCKTIME);
    }

    function _refuseRefund() internal pure override {
        revert TransferFailed();
    }
}
