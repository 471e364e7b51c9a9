// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ITaskEscrow} from "../../../contracts/interfaces/ITaskEscrow.sol";
import {Signed} from "./Signed.sol";

/// Statements about tasks in escrow, signed by whoever the test says.
abstract contract SignedTasks is Signed {
    function _orderHash(ITaskEscrow.TaskOrder memory order) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256(
                    "TaskOrder(address provider,address user,address signer,bytes32 task,uint96 maxFee,uint40 trainBy,uint40 ackWindow,uint40 revealWindow,uint64 nonce)"
                ),
                order
            )
        );
    }

    function _orderSignature(uint256 key, ITaskEscrow.TaskOrder memory order)
        internal
        view
        returns (bytes memory)
    {
        return _sign(key, address(fineTuning), "0G Fine-Tuning Serving", _orderHash(order));
    }

    /// Of the model `keccak256("root")`.
    function _deliverySignature(
        uint256 key,
        address who,
        bytes32 order,
        bytes32 keyHash,
        uint96 fee,
        uint40 deadline
    ) internal view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "TaskDelivery(address provider,bytes32 order,bytes32 modelRoot,bytes32 keyHash,uint96 fee,uint40 deadline)"
                ),
                who,
                order,
                keccak256("root"),
                keyHash,
                fee,
                deadline
            )
        );
        return _sign(key, address(fineTuning), "0G Fine-Tuning Serving", structHash);
    }
}
