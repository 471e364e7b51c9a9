// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ILedgerAdditions} from "../interfaces/ILedgerAdditions.sol";

/// @title Calls into services that may be hostile: gas is capped, a failure is an answer, and at most one
/// word of what comes back is read.
library CappedCall {
    /// @dev Enough for 50 cold sub-accounts of this project's services.
    uint256 internal constant GAS = 2_000_000;

    /// @return ok Whether the call succeeded and returned a word.
    /// @return word The first word returned, or zero.
    function read(address target, bytes memory data) internal view returns (bool ok, uint256 word) {
        uint256 cap = GAS;
        assembly ("memory-safe") {
            ok := staticcall(cap, target, add(data, 32), mload(data), 0, 32)
            ok := and(ok, gt(returndatasize(), 31))
            if ok { word := mload(0) }
        }
        if (!ok) _requireFullCap();
    }

    /// @return ok Whether the call succeeded.
    function send(address target, bytes memory data) internal returns (bool ok) {
        uint256 cap = GAS;
        assembly ("memory-safe") {
            ok := call(cap, target, 0, add(data, 32), mload(data), 0, 0)
        }
        if (!ok) _requireFullCap();
    }

    /// @dev A caller who sends too little gas must not make an honest service look like a failing one:
    /// EIP-150 keeps a 64th back, so less than that of the cap left means that the callee had less than the cap.
    function _requireFullCap() private view {
        if (gasleft() < GAS / 63) revert ILedgerAdditions.MoreGasRequired(GAS + GAS / 32);
    }
}
