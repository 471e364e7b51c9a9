// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Fine-tuning tasks with the fee in escrow.
/// @notice The user signs an order, the provider opens it, which takes the most it may cost out of the sub-account.
/// It ends in exactly one of four ways; whatever does not go to the provider goes to the user's available balance.
///
/// | end            | when                                                              | provider gets | user gets |
/// |----------------|-------------------------------------------------------------------|---------------|-----------|
/// | `NotDelivered` | nothing delivered by `trainBy`                                     | nothing       | all       |
/// | `Paid`         | accepted, or the window passed in silence; the key is published in that transaction | fee | the rest, and the key |
/// | `NotRevealed`  | the key is not published within `revealWindow` after `ackWindow`   | nothing       | all       |
/// | `Rejected`     | the user rejects within `ackWindow`                                | the penalty on the fee | the rest, no key |
///
/// Signed in the fine-tuning domain:
/// by the user, `TaskOrder(address provider,address user,address signer,bytes32 task,uint96 maxFee,uint40 trainBy,uint40 ackWindow,uint40 revealWindow,uint64 nonce)`;
/// by the named signer, `TaskDelivery(address provider,bytes32 order,bytes32 modelRoot,bytes32 keyHash,uint96 fee,uint40 deadline)`.
/// An order's id is the EIP-712 hash of its struct; it opens once.
interface ITaskEscrow {
    enum TaskState {
        None,
        Open,
        Delivered,
        Accepted,
        Ended
    }

    enum TaskEnd {
        NotDelivered,
        Paid,
        NotRevealed,
        Rejected
    }

    /// @param task Hash of the task's description: dataset, model, parameters.
    /// @param trainBy Unix seconds by which a delivery has to be on chain.
    /// @param ackWindow Seconds after the delivery in which the user may reject.
    /// @param revealWindow Seconds after that in which the key has to be published.
    struct TaskOrder {
        address provider;
        address user;
        address signer;
        bytes32 task;
        uint96 maxFee;
        uint40 trainBy;
        uint40 ackWindow;
        uint40 revealWindow;
        uint64 nonce;
    }

    struct Task {
        address user;
        uint96 maxFee;
        address provider;
        uint40 trainBy;
        uint40 deliveredAt;
        TaskState state;
        address signer;
        uint96 fee;
        uint40 ackWindow;
        uint40 revealWindow;
        bytes32 modelRoot;
        bytes32 keyHash;
    }

    /// @notice `maxFee` left the sub-account for the escrow.
    event TaskOpened(bytes32 indexed order, address indexed user, address indexed provider, uint256 maxFee);
    event TaskDelivered(
        bytes32 indexed order, bytes32 modelRoot, bytes32 keyHash, uint256 fee, uint256 rejectBy
    );
    event TaskAccepted(bytes32 indexed order);
    /// @notice The key, encrypted to the user.
    event TaskKeyPublished(bytes32 indexed order, bytes encryptedKey);
    /// @notice `paid` went to the provider, `returned` to the user's available balance.
    event TaskEnded(bytes32 indexed order, TaskEnd end, uint256 paid, uint256 returned);

    error TaskNotInState(bytes32 order, TaskState state);
    error TaskTooLate(uint256 now_, uint256 deadline);
    error TaskTooEarly(uint256 now_, uint256 from);
    error TaskWindowTooLong(uint256 window, uint256 maximum);
    error TaskFeeTooHigh(uint256 fee, uint256 maximum);
    error TaskSignatureInvalid(address expected, address recovered);
    error TaskCallerInvalid(address caller, address expected);
    /// @dev The named signer is not the provider's, or not acknowledged by the network.
    error TaskSignerInvalid(address signer);
    error TaskKeyMismatch(bytes32 keyHash);

    /// @notice Opens an order of the caller's. The user's signature is the consent to fee, signer and deadlines.
    function openTask(TaskOrder calldata order, bytes calldata signature) external returns (bytes32 id);

    /// @notice Records a delivery that the order's signer signed. Anyone may send it.
    function deliverTask(
        bytes32 order,
        bytes32 modelRoot,
        bytes32 keyHash,
        uint96 fee,
        uint40 deadline,
        bytes calldata signature
    ) external;

    /// @notice The user has checked the delivery: the key may be published at once.
    function acceptTask(bytes32 order) external;

    /// @notice The user rejects the delivery: penalty to the provider, no key, the rest back.
    function rejectTask(bytes32 order) external;

    /// @notice Publishes the key whose hash was delivered, and pays the provider. Anyone may send it.
    function publishKey(bytes32 order, bytes calldata encryptedKey) external;

    /// @notice Returns everything once nothing was delivered, or no key published, in time. Anyone may send it.
    function refundTask(bytes32 order) external;

    function taskOf(bytes32 order) external view returns (Task memory);
}
