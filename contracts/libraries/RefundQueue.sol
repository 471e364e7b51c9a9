// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title At most five pending refunds of one sub-account, oldest first, one word each:
/// amount 96, time of the request 40.
/// @dev An entry of zero ends the queue. Times never fall along it, so what has matured is always in front.
library RefundQueue {
    uint256 internal constant SIZE = 5;

    struct Queue {
        uint256[SIZE] entries;
    }

    function amountOf(uint256 entry) internal pure returns (uint256) {
        return entry & type(uint96).max;
    }

    function timeOf(uint256 entry) internal pure returns (uint256) {
        return entry >> 96;
    }

    /// @dev Splits what is asked back into what was asked at `cutoff` or before, and what came later.
    function split(Queue storage queue, uint256 cutoff)
        internal
        view
        returns (uint256 matured, uint256 waiting)
    {
        for (uint256 i; i < SIZE; ++i) {
            uint256 entry = queue.entries[i];
            if (entry == 0) break;
            if (timeOf(entry) <= cutoff) matured += amountOf(entry);
            else waiting += amountOf(entry);
        }
    }

    function length(Queue storage queue) internal view returns (uint256 count) {
        while (count < SIZE && queue.entries[count] != 0) ++count;
    }

    /// @dev Adds a request. In a full queue it joins the newest one, whose time starts again.
    /// @return index The place of the request.
    function push(Queue storage queue, uint256 amount) internal returns (uint256 index) {
        index = length(queue);
        if (index == SIZE) {
            --index;
            amount += amountOf(queue.entries[index]);
        }
        // safe: the queue never holds more than a balance, which fits 96 bits
        queue.entries[index] = amount | (block.timestamp << 96);
    }

    /// @dev Takes `amount` out of the queue, newest request first. It must hold that much.
    function cancelNewest(Queue storage queue, uint256 amount) internal {
        uint256 i = length(queue);
        while (amount != 0) {
            uint256 entry = queue.entries[--i];
            uint256 held = amountOf(entry);
            if (held > amount) {
                queue.entries[i] = entry - amount; // safe: the lowest bits hold more than `amount`
                return;
            }
            queue.entries[i] = 0;
            amount -= held;
        }
    }

    /// @dev Takes out every request made at `cutoff` or before.
    function takeMatured(Queue storage queue, uint256 cutoff) internal returns (uint256 matured) {
        uint256 count = length(queue);
        uint256 first;
        while (first < count && timeOf(queue.entries[first]) <= cutoff) {
            matured += amountOf(queue.entries[first++]);
        }
        if (first == 0) return 0;
        for (uint256 i; i < count; ++i) {
            queue.entries[i] = i + first < count ? queue.entries[i + first] : 0;
        }
    }
}
