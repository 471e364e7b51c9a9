// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {ILedgerManager} from "../interfaces/ILedgerManager.sol";
import {ITaskEscrow} from "../interfaces/ITaskEscrow.sol";
import {AccountWord} from "../libraries/AccountWord.sol";
import {FineTuningState} from "./FineTuningState.sol";
import {ServingAccounts} from "./ServingAccounts.sol";

/// @title Fine-tuning tasks with the fee in escrow.
abstract contract TaskEscrow is ITaskEscrow, ServingAccounts, FineTuningState {
    bytes32 private constant ORDER_TYPEHASH = keccak256(
        "TaskOrder(address provider,address user,address signer,bytes32 task,uint96 maxFee,uint40 trainBy,uint40 ackWindow,uint40 revealWindow,uint64 nonce)"
    );
    bytes32 private constant DELIVERY_TYPEHASH = keccak256(
        "TaskDelivery(address provider,bytes32 order,bytes32 modelRoot,bytes32 keyHash,uint96 fee,uint40 deadline)"
    );
    uint256 private constant MAX_WINDOW = 30 days;
    uint256 private constant MAX_KEY_LENGTH = 4096;

    /// @inheritdoc ITaskEscrow
    function openTask(TaskOrder calldata order, bytes calldata signature)
        external
        nonReentrant
        returns (bytes32 id)
    {
        // Check
        id = keccak256(abi.encode(ORDER_TYPEHASH, order));
        Task storage task = _inState(id, TaskState.None);
        if (msg.sender != order.provider) revert TaskCallerInvalid(msg.sender, order.provider);
        _checkDeadline(order.trainBy);
        _checkWindow(order.ackWindow);
        _checkWindow(order.revealWindow);
        Provider storage provider = _requireService(order.provider);
        if (provider.signer != order.signer || provider.version == 0 || !provider.acknowledged) {
            revert TaskSignerInvalid(order.signer);
        }
        _requireSigned(order.user, id, signature);
        AccountWord word = _requireAccount(order.user, order.provider);

        // Effect
        uint256 taken;
        (word, taken) = _spend(word, order.user, order.provider, order.maxFee);
        if (taken != order.maxFee) revert NotEnoughToRefund(taken, order.maxFee);
        _store(order.user, order.provider, word);
        task.user = order.user;
        task.maxFee = order.maxFee;
        task.provider = order.provider;
        task.trainBy = order.trainBy;
        task.state = TaskState.Open;
        task.signer = order.signer;
        task.ackWindow = order.ackWindow;
        task.revealWindow = order.revealWindow;
        emit TaskOpened(id, order.user, order.provider, order.maxFee);
    }

    /// @inheritdoc ITaskEscrow
    function deliverTask(
        bytes32 order,
        bytes32 modelRoot,
        bytes32 keyHash,
        uint96 fee,
        uint40 deadline,
        bytes calldata signature
    ) external {
        // Check
        Task storage task = _inState(order, TaskState.Open);
        _checkDeadline(deadline);
        _checkDeadline(task.trainBy);
        if (fee > task.maxFee) revert TaskFeeTooHigh(fee, task.maxFee);
        if (_signers[task.provider][task.signer].revoked) revert TaskSignerInvalid(task.signer);
        bytes32 structHash =
            keccak256(abi.encode(DELIVERY_TYPEHASH, task.provider, order, modelRoot, keyHash, fee, deadline));
        _requireSigned(task.signer, structHash, signature);

        // Effect
        task.state = TaskState.Delivered;
        task.deliveredAt = uint40(block.timestamp); // safe for 34,000 years
        task.fee = fee;
        task.modelRoot = modelRoot;
        task.keyHash = keyHash;
        emit TaskDelivered(order, modelRoot, keyHash, fee, block.timestamp + task.ackWindow);
    }

    /// @inheritdoc ITaskEscrow
    function acceptTask(bytes32 order) external {
        Task storage task = _inState(order, TaskState.Delivered);
        if (msg.sender != task.user) revert TaskCallerInvalid(msg.sender, task.user);
        task.state = TaskState.Accepted;
        emit TaskAccepted(order);
    }

    /// @inheritdoc ITaskEscrow
    function rejectTask(bytes32 order) external nonReentrant {
        Task storage task = _inState(order, TaskState.Delivered);
        if (msg.sender != task.user) revert TaskCallerInvalid(msg.sender, task.user);
        uint256 rejectBy = uint256(task.deliveredAt) + task.ackWindow;
        _checkDeadline(rejectBy);
        _end(task, order, TaskEnd.Rejected, _penaltyOf(task.fee));
    }

    /// @inheritdoc ITaskEscrow
    function publishKey(bytes32 order, bytes calldata encryptedKey) external nonReentrant {
        Task storage task = _tasks[order];
        uint256 rejectBy = uint256(task.deliveredAt) + task.ackWindow;
        if (task.state != TaskState.Accepted) {
            _inState(order, TaskState.Delivered);
            if (block.timestamp <= rejectBy) revert TaskTooEarly(block.timestamp, rejectBy + 1);
        }
        uint256 revealBy = rejectBy + task.revealWindow;
        _checkDeadline(revealBy);
        _checkLength(encryptedKey.length, MAX_KEY_LENGTH);
        if (keccak256(encryptedKey) != task.keyHash) revert TaskKeyMismatch(task.keyHash);

        emit TaskKeyPublished(order, encryptedKey);
        _end(task, order, TaskEnd.Paid, task.fee);
    }

    /// @inheritdoc ITaskEscrow
    function refundTask(bytes32 order) external nonReentrant {
        Task storage task = _tasks[order];
        if (task.state == TaskState.Open) {
            if (block.timestamp <= task.trainBy) {
                revert TaskTooEarly(block.timestamp, uint256(task.trainBy) + 1);
            }
            _end(task, order, TaskEnd.NotDelivered, 0);
            return;
        }
        if (task.state != TaskState.Accepted) _inState(order, TaskState.Delivered);
        uint256 revealBy = uint256(task.deliveredAt) + task.ackWindow + task.revealWindow;
        if (block.timestamp <= revealBy) revert TaskTooEarly(block.timestamp, revealBy + 1);
        _end(task, order, TaskEnd.NotRevealed, 0);
    }

    /// @inheritdoc ITaskEscrow
    function taskOf(bytes32 order) external view returns (Task memory) {
        return _tasks[order];
    }

    /* INTERNALS */

    /// @dev The penalty on a fee, rounded down.
    function _penaltyOf(uint256 fee) internal view virtual returns (uint256);

    /// @dev The one way out: the state changes before money moves.
    function _end(Task storage task, bytes32 order, TaskEnd end, uint256 paid) private {
        task.state = TaskState.Ended;
        uint256 returned = task.maxFee - paid;
        (address user, address provider) = (task.user, task.provider);
        emit TaskEnded(order, end, paid, returned);

        if (returned != 0) ILedgerManager(ledgerAddress).depositFundFor{value: returned}(user);
        if (paid == 0) return;
        ILedgerManager(ledgerAddress).spendFund(user, paid);
        (bool ok,) = provider.call{value: paid}("");
        if (!ok) revert ETHTransferFailed();
    }

    function _inState(bytes32 order, TaskState state) private view returns (Task storage task) {
        task = _tasks[order];
        if (task.state != state) revert TaskNotInState(order, task.state);
    }

    function _checkDeadline(uint256 deadline) private view {
        if (block.timestamp > deadline) revert TaskTooLate(block.timestamp, deadline);
    }

    function _checkWindow(uint256 window) private pure {
        if (window > MAX_WINDOW) revert TaskWindowTooLong(window, MAX_WINDOW);
    }

    function _requireSigned(address expected, bytes32 structHash, bytes calldata signature) private view {
        // slither-disable-next-line unused-return: zero is nobody
        (address recovered,,) = ECDSA.tryRecoverCalldata(_hashTypedDataV4(structHash), signature);
        if (recovered != expected || expected == address(0)) {
            revert TaskSignatureInvalid(expected, recovered);
        }
    }
}
