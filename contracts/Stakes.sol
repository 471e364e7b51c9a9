// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {Disputes} from "./base/Disputes.sol";
import {StakeVault} from "./base/StakeVault.sol";
import {IDisputes} from "./interfaces/IDisputes.sol";
import {IStakes} from "./interfaces/IStakes.sol";

/// @title The stakes of providers, and the disputes that take them away.
/// @dev The contract holds the stakes and what resolved windows still owe.
contract Stakes is IERC165, Disputes {
    constructor(uint256 exitDelaySeconds) StakeVault(exitDelaySeconds) {}

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IERC165).interfaceId || interfaceId == type(IStakes).interfaceId
            || interfaceId == type(IDisputes).interfaceId;
    }
}
