// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {FineTuningAccounts} from "./base/FineTuningAccounts.sol";
import {ServingCore} from "./base/ServingCore.sol";
import {ServingParameters} from "./interfaces/ServingParameters.sol";

/// @title The desk of `FineTuningServing`: services, signers, deliverables and lists.
/// @dev Code for `FineTuningServing` to `delegatecall`; called directly it works on its own empty state.
contract FineTuningDesk is FineTuningAccounts {
    constructor(ServingParameters memory parameters) ServingCore(parameters, "0G Fine-Tuning Serving") {}
}
