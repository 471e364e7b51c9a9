// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {InferenceAccounts} from "./base/InferenceAccounts.sol";
import {ServingCore} from "./base/ServingCore.sol";
import {SettlementCheck} from "./base/SettlementCheck.sol";
import {ServingParameters} from "./interfaces/ServingParameters.sol";
import {AccountWord} from "./libraries/AccountWord.sol";

/// @title The desk of `InferenceServing`: services, signers, session tokens, lists and previews.
/// @dev Code for `InferenceServing` to `delegatecall`; called directly it works on its own empty state.
contract InferenceDesk is InferenceAccounts, SettlementCheck {
    constructor(ServingParameters memory parameters) ServingCore(parameters, "0G Inference Serving") {}

    /// @dev See IInferenceServing.
    function previewSettlementResults(TEESettlementData[] calldata settlements)
        external
        view
        returns (
            address[] memory failedUsers,
            SettlementStatus[] memory failureReasons,
            address[] memory partialUsers,
            uint256[] memory partialAmounts
        )
    {
        uint256 count = settlements.length;
        failedUsers = new address[](count);
        failureReasons = new SettlementStatus[](count);
        partialUsers = new address[](count);
        partialAmounts = new uint256[](count);
        uint256 failed;
        uint256 partials;

        for (uint256 i; i < count; ++i) {
            TEESettlementData calldata row = settlements[i];
            (SettlementStatus status, AccountWord word) = _check(row);
            if (status != SettlementStatus.SUCCESS) {
                failedUsers[failed] = row.user;
                failureReasons[failed++] = status;
                continue;
            }
            (uint256 spendable,) = _spendable(word, row.user, row.provider);
            if (spendable >= row.totalFee) continue;
            partialUsers[partials] = row.user;
            partialAmounts[partials++] = row.totalFee - spendable;
        }
        assembly ("memory-safe") {
            // The arrays only get shorter.
            mstore(failedUsers, failed)
            mstore(failureReasons, failed)
            mstore(partialUsers, partials)
            mstore(partialAmounts, partials)
        }
    }
}
