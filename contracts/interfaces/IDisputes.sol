// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Disputes: what proves that an enclave contradicted itself, and what follows.
/// @notice Two statements of one signer conflict when
///
/// 1. two receipts carry one number and differ, or
/// 2. a receipt has a higher number than the batch that settled its payer and a smaller cumulative than was
///    settled, both by that signer.
///
/// Nothing else is a proof. Of several claims for one payer and signer the largest counts. A claim freezes the stake for one window (the exit delay); claims of one window are
/// paid pro rata: overcharges up to half of the stake, then 5 % of the stake in equal shares to the payers named,
/// never to a payer who sent the claim, and the rest is burned: nobody gets a stake back by disputing himself. A refund is credited here and collected, `settled` is never lowered.
interface IDisputes {
    /// @notice What an enclave signs for each answer, in the serving contract's domain:
    /// `Receipt(address provider,address user,uint48 seq,uint96 cumulative,uint96 fee,uint64 issuedAt,bytes32 detail)`.
    struct Receipt {
        address provider;
        address user;
        uint48 seq;
        uint96 cumulative;
        uint96 fee;
        uint64 issuedAt;
        bytes32 detail;
    }

    /// @notice A claim was accepted; for this signer `overcharge` neuron in all are owed to `user`, as far as the
    /// stake goes.
    event Claimed(
        address indexed service,
        address indexed provider,
        address indexed user,
        address signer,
        uint256 overcharge,
        uint256 windowEnd
    );
    /// @notice The window is over: `paid` for claims, `burned` destroyed.
    event StakeSlashed(address indexed service, address indexed provider, uint256 paid, uint256 burned);
    /// @notice `user` collected what a window gave.
    event ClaimCollected(
        address indexed service, address indexed provider, address indexed user, uint256 amount
    );

    /// @dev The two statements do not contradict each other.
    error NoConflict();
    /// @dev The receipt is not signed by a signer of this provider, or the two not by the same one.
    error NotASigner(address signer);
    /// @dev As much, or more, was claimed for this payer and signer before.
    error AlreadyClaimed(address user, uint256 version);
    /// @dev The signer was ended by an earlier window.
    error SignerEndedBefore(address signer);
    error StakeFrozen(uint256 until);
    error WindowNotOver(uint256 now_, uint256 windowEnd);
    error NothingToCollect(address user);

    /// @notice Two different receipts with one number. Both payers are named.
    function disputeReceipts(
        address service,
        Receipt calldata one,
        bytes calldata signatureOne,
        Receipt calldata two,
        bytes calldata signatureTwo
    ) external;

    /// @notice A receipt that contradicts the batch that settled its payer.
    function disputeSettlement(address service, Receipt calldata receipt, bytes calldata signature) external;

    /// @notice Ends a window: fixes what the claims get and burns the rest. Anyone may.
    function resolve(address service, address provider) external;

    /// @notice Pays what window number `window` gave `user`. Anyone may.
    function collectClaim(address service, address provider, uint256 window, address user) external;

    /// @notice The window that is open or was last.
    /// @return window Its number; 0 when there never was one.
    /// @return endsAt Unix seconds; 0 once resolved.
    function windowOf(address service, address provider)
        external
        view
        returns (uint256 window, uint256 endsAt);
}
