// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title The bounds of a page of a list.
library Page {
    uint256 internal constant SIZE = 50;

    /// @dev `limit` 0 means a full page; a page past the end is empty.
    function end(uint256 offset, uint256 limit, uint256 total) internal pure returns (uint256) {
        if (offset >= total) return offset;
        uint256 length = limit == 0 ? SIZE : limit;
        return total - offset < length ? total : offset + length;
    }
}
